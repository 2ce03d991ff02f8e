"""``python -m cordgraft.run`` does what ``cordgraft`` does."""

from cordgraft.run.cli import main

if __name__ == "__main__":
    main()
