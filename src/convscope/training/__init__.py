"""Train a model on data: the loop and what it needs.

| file | holds |
|---|---|
| `initialization.py` | what parameters are before training |
| `batches.py` | checks of pictures and labels |
| `configuration.py` | all settings of one training, to JSON and back |
| `start.py` | `fit`: a new run, or one that goes on |
| `loop.py` | epochs and steps |
| `position.py` | how far a run has come |
| `log.py`, `history.py`, `progress.py` | what is written, returned and shown meanwhile |
| `observers.py` | dead units, saturation and norms, summed up per epoch |
| `interruption.py` | Ctrl-C, SIGTERM and SIGHUP between two steps |
| `model_file.py`, `atomic.py` | parameters in a .safetensors file, written at once or not at all |
| `checkpoint.py` | a run's folder; `run_document.py` its run.json, `lock.py` its lock |
| `json_kinds.py` | what a JSON document must hold where |
| `run_diagnosis.py` | `diagnose_run`: what a run's log shows, and what to change |
| `saved_run.py` | `SavedRun`: a run's folder, for those who use what was learned |
| `evaluation.py` | `evaluate_classes`: accuracy by class, confusion, the surest mistakes |
| `tensorboard.py` | the log as TensorBoard events |
| `data/` | sources of pictures and labels |
"""
