"""`python -m awsdeploy`, where the command is not on the path."""

from awsdeploy.cli import main

if __name__ == "__main__":
    main()
