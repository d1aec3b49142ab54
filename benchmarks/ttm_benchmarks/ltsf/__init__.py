"""The long-horizon protocol: ETT, Weather, Electricity, Traffic and Exchange."""
