"""Kills, damaged inputs and full disks at random, to see that nothing is lost or left behind."""
