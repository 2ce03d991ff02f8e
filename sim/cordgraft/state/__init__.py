"""Floor 1: the state of a simulated cord, as named arrays with specs; no rule of change lives here."""
