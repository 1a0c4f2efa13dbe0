"""Who people are: accounts, organisations, memberships, declared conflicts."""
