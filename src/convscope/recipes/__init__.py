"""How a network is to learn, as values that every engine reads: nothing here runs anything.

| file | holds |
|---|---|
| `losses.py` | what is made small, and which layer's output it reads |
| `optimizers.py` | how parameters follow their gradients |
| `schedules.py` | the learning rate as a function of the step |
| `randomness.py` | every random draw, by seed, purpose and step |
| `checks.py` | rules that their settings share |
"""
