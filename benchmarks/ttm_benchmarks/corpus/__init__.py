"""A ruler for choices: the ends of a corpus' series, where no benchmark is looked at."""
