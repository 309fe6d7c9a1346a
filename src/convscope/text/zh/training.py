"""Messages of training in Chinese."""

MESSAGES = {
    "{setting} has an unknown value (got {got!r}). {hint} [configuration-value]": (
        "{setting} 的值未知（实际为 {got!r}）。{hint}[configuration-value]"
    ),
    "Use 5.": "请使用 5。",
    "64 is usual.": "通常为 64。",
    "{setting} must be SGD, Adam or AdamW (got {got!r}). Use convscope.SGD(lr=0.05, momentum=0.9). [optimizer]": (
        "{setting} 必须是 SGD、Adam 或 AdamW（实际为 {got!r}）。请使用 convscope.SGD(lr=0.05, momentum=0.9)。"
        "[optimizer]"
    ),
    "{owner} has an unknown key {key!r}. {hint} [configuration-key]": (
        "{owner} 含有未知的键 {key!r}。{hint}[configuration-key]"
    ),
    "3 is usual.": "通常为 3。",
    "1 logs every step.": "1 表示记录每一步。",
    "fork needs a new run folder (got run={run!r} and resume={resume!r}). Pass run, and not resume. [fork-run]": (
        "fork 需要新的运行文件夹（实际为 run={run!r} 和 resume={resume!r}）。请传入 run，不要传入 resume。[fork-run]"
    ),
    "at needs a run to fork (got at={at!r} and fork=None). Pass fork. [fork-run]": (
        "at 需要一次可分叉的训练（实际为 at={at!r} 和 fork=None）。请传入 fork。[fork-run]"
    ),
    "{setting} cannot change in a fork (got {got!r}, not {recorded!r}). Leave it out, or start a new run. "
    "[fork-setting]": (
        "分叉时不能更改 {setting}（实际为 {got!r}，原为 {recorded!r}）。请省略它，或开始新的训练。[fork-setting]"
    ),
    "A fork needs the step to start from (got at=None). Use one that {run!r} has stored: {steps}. [fork-step]": (
        "分叉需要指定起始步（实际为 at=None）。请使用 {run!r} 已保存的步：{steps}。[fork-step]"
    ),
    "{run!r} has no intact checkpoint of step {step}{problem}. Use a stored step: {steps}. Train with "
    "a larger history to store more, such as 256MB. [fork-step]": (
        "{run!r} 没有第 {step} 步的完好检查点{problem}。请使用已保存的步：{steps}。"
        "用更大的 history（例如 256MB）训练可保存更多。[fork-step]"
    ),
    " ({error})": "（{error}）",
    "{setting} must hold at least one checkpoint of this network, {size:,} bytes (got {got:,}). {enough}MB "
    "would hold 16. [history-size]": (
        "{setting} 至少要容纳该网络的一个检查点，即 {size:,} 字节（实际为 {got:,}）。{enough}MB 可容纳 16 个。"
        "[history-size]"
    ),
    "Leave it out for a checkpoint after each epoch.": "省略时每轮结束后保存检查点。",
    "Pass a name, or a name with settings.": "请传入名称，或名称及其设置。",
    "(other)": "（其他）",
    "run and resume are mutually exclusive (got run={run!r} and resume={resume!r}). Pass only one of them. "
    "[run-and-resume]": (
        "run 与 resume 不能同时使用（实际为 run={run!r} 和 resume={resume!r}）。请只传入其中一个。[run-and-resume]"
    ),
    "tensorboard=True needs a run folder (got run=None). Pass run. [tensorboard-folder]": (
        "tensorboard=True 需要运行文件夹（实际为 run=None）。请传入 run。[tensorboard-folder]"
    ),
    "Resuming this run needs its training data, which has no name (got data=None). Pass the same data "
    "again. [data-missing]": (
        "继续这次训练需要它的训练数据，而该数据没有名称（实际为 data=None）。请再次传入相同的数据。[data-missing]"
    ),
    "the model keeps its parameters; set a run folder to be able to resume": (
        "模型保留当前的参数；若要能够继续训练，请设置运行文件夹"
    ),
    "stopped after step {step}: {hint}": "在第 {step} 步之后停止：{hint}",
    "fit needs training data (got data=None). Pass (x, labels), a dataset or the name of one. [data-missing]": (
        "fit 需要训练数据（实际为 data=None）。请传入 (x, labels)、数据集或数据集的名称。[data-missing]"
    ),
    "{setting} cannot change when a run is resumed (got {got!r}, not {recorded!r}). Leave it out, or start "
    "a new run. [resume-setting]": (
        "继续训练时不能更改 {setting}（实际为 {got!r}，原为 {recorded!r}）。请省略它，或开始新的训练。"
        "[resume-setting]"
    ),
    "Training diverged: the loss has been above {limit} ({factor:g} times its initial level) since step "
    "{since}, and is {loss} after step {step}. Lower the learning rate, or clip the gradient norm to 1. "
    "[diverged]": (
        "训练发散：自第 {since} 步起，损失一直高于 {limit}（初始水平的 {factor:g} 倍），第 {step} 步之后为 "
        "{loss}。请降低学习率，或将梯度范数裁剪到 1。[diverged]"
    ),
    "{path!r} is damaged in line {number} ({problem}). Restore the original log. [log-line]": (
        "{path!r} 的第 {number} 行已损坏（{problem}）。请恢复原始日志。[log-line]"
    ),
    "Cannot write the log {path!r} ({reason}). Files saved earlier are intact. Free disk space or choose "
    "another folder, then resume. [write-failed]": (
        "无法写入日志 {path!r}（{reason}）。先前保存的文件完好。请释放磁盘空间或选择其他文件夹，然后继续训练。"
        "[write-failed]"
    ),
    "a checksum, where earlier lines have none": "含有校验和，而前面的行没有",
    "epoch {epoch}: loss {loss}, accuracy {accuracy:.2f} %": "第 {epoch} 轮：损失 {loss}，准确率 {accuracy:.2f} %",
    "{training}, validation {loss}, {accuracy:.2f} %": "{training}，验证集 {loss}，{accuracy:.2f} %",
    "{path!r} is not the readable log of a run. Check the path. [file-missing]": (
        "{path!r} 不是可读的训练日志。请检查路径。[file-missing]"
    ),
    "it is not a JSON object": "不是 JSON 对象",
    "it does not match its checksum": "与其校验和不符",
    "shorter than the {length:,} bytes written so far": "短于已写入的 {length:,} 字节",
    "another process": "另一个进程",
    "process {number}": "进程 {number}",
    "Run {folder!r} is being trained by {holder}. Wait until it ends, or stop it with Ctrl-C, then resume. "
    "[run-locked]": ("{holder}正在训练 {folder!r}。请等待其结束，或按 Ctrl-C 停止它，然后继续训练。[run-locked]"),
    "{folder!r} cannot be written to ({reason}). Choose another folder. [folder]": (
        "无法写入 {folder!r}（{reason}）。请选择其他文件夹。[folder]"
    ),
    "{path!r} is a damaged .safetensors file ({reason}). Use another copy. [file-damaged]": (
        "{path!r} 是损坏的 .safetensors 文件（{reason}）。请使用其他副本。[file-damaged]"
    ),
    "{path!r} is not the folder of a saved model or run (none of {names} in it). Check the path. [no-model]": (
        "{path!r} 不是已保存的模型或训练的文件夹（其中没有 {names}）。请检查路径。[no-model]"
    ),
    "{path!r} is not a readable .safetensors file. Check the path. [file-missing]": (
        "{path!r} 不是可读的 .safetensors 文件。请检查路径。[file-missing]"
    ),
    "its metadata has {misfit}": "其元数据有误：{misfit}",
    "{name}: missing, {expected} expected": "{name}：缺失，应为 {expected}",
    "{name}: {got}, {expected} expected": "{name}：{got}，应为 {expected}",
    "{name}: {got}, unknown name": "{name}：{got}，未知的名称",
    "{path!r} does not have the arrays of {network}. Load it into the network it was saved from. "
    "[other-network]{lines}": (
        "{path!r} 中的数组与 {network} 不符。请加载到保存它的网络中。[other-network]{lines}"
    ),
    "its format is {got!r}, not {expected!r}": "其格式为 {got!r}，而非 {expected!r}",
    "its contents do not match its checksum": "其内容与校验和不符",
    "… and {more} more": "……另有 {more} 项",
    "{above}\n  {line}": "{above}\n  {line}",
    "no JSON object": "不是 JSON 对象",
    "{path!r} cannot be created ({reason}). Choose another folder. [folder]": (
        "无法创建 {path!r}（{reason}）。请选择其他文件夹。[folder]"
    ),
    "{path!r} must contain floating-point arrays (got {name} of {dtype}). Convert it. [file-type]": (
        "{path!r} 必须包含浮点数组（{name} 实际为 {dtype}）。请转换它。[file-type]"
    ),
    "no JSON: {reason}": "不是 JSON：{reason}",
    "an unknown observer array {name!r}": "未知的观测数组 {name!r}",
    "epoch {epoch}/{epochs} {bar} {batch}/{batches}  loss {loss}  {rate:,.0f} images/s  {left} left": (
        "第 {epoch}/{epochs} 轮 {bar} {batch}/{batches}  损失 {loss}  {rate:,.0f} 张图像/秒  剩余 {left}"
    ),
    "lower the learning rate by a factor of 10, clip the gradient norm to 1, or use a warm-up": (
        "将学习率降低到十分之一，将梯度范数裁剪到 1，或使用学习率预热"
    ),
    "training stopped at step {step}: NaN or infinity occurred first in {layer}": (
        "训练在第 {step} 步停止：{layer} 中最先出现 NaN 或无穷大"
    ),
    "lower the learning rate, or clip the gradient norm to 1": "降低学习率，或将梯度范数裁剪到 1",
    "training diverged: from step {since} on the loss stayed far above its initial level ({level}); it "
    "ended at {loss}": ("训练发散：自第 {since} 步起，损失一直远高于初始水平（{level}），结束时为 {loss}"),
    "{advice}; best.safetensors, if present, is from an earlier epoch": (
        "{advice}；若有 best.safetensors，它来自更早的轮次"
    ),
    "after epoch {epoch} the model predicts class {name!r} for every image": (
        "第 {epoch} 轮之后，模型把每张图像都预测为类别 {name!r}"
    ),
    "lower the learning rate; check that labels match their images and that all pixels have one scale": (
        "降低学习率；检查标签与图像是否对应，以及所有像素的取值范围是否一致"
    ),
    "gradients of {layers} are less than a thousandth of those of {largest}": (
        "{layers} 的梯度不到 {largest} 的千分之一"
    ),
    "use ReLU instead of sigmoid or tanh, batch normalization, or shortcut connections": (
        "用 ReLU 代替 sigmoid 或 tanh，或使用批归一化或跳跃连接"
    ),
    "one step changes {layers} by up to {percent:.0f} % of its norm": (
        "每一步使 {layers} 的变化最多达其范数的 {percent:.0f} %"
    ),
    "one step changes {layers} by less than a millionth of its norm": (
        "每一步使 {layers} 的变化不到其范数的百万分之一"
    ),
    "raise the learning rate, unless training has converged": "提高学习率，除非训练已收敛",
    "the loss of epoch {epoch} ({last:.4g}) is not below that of the first epoch ({first:.4g})": (
        "第 {epoch} 轮的损失（{last:.4g}）不低于第一轮的损失（{first:.4g}）"
    ),
    "try a learning rate ten times smaller, then ten times larger": "先把学习率减小到十分之一，再试十倍",
    "the validation loss was lowest in the last epoch ({loss:.4g})": "验证损失在最后一轮达到最低（{loss:.4g}）",
    "train for more epochs": "增加训练轮次",
    "accuracy is {training:.1f} % on the training images, but {validation:.1f} % on the validation images": (
        "训练图像上的准确率为 {training:.1f} %，而验证图像上只有 {validation:.1f} %"
    ),
    "use more data or augmentation, dropout, weight decay, or fewer parameters": (
        "使用更多数据或数据增强、dropout、权重衰减，或减少参数"
    ),
    "training diverged: the loss was {first} in the first step and {loss} in epoch {epoch}, up to step {step}": (
        "训练发散：第一步的损失为 {first}，第 {epoch} 轮（到第 {step} 步）为 {loss}"
    ),
    "{dead} of {units} units of {layer} ({percent:.0f} %) output 0 for every image: dead, no gradient "
    "reaches them": (
        "{layer} 的 {units} 个单元中有 {dead} 个（{percent:.0f} %）对每张图像都输出 0：它们已失活，得不到梯度"
    ),
    "lower the learning rate, use LeakyReLU, or add batch normalization before it": (
        "降低学习率，使用 LeakyReLU，或在其前面加批归一化"
    ),
    "{percent:.0f} % of the outputs of {layer} are saturated, where the slope is near 0: gradients vanish": (
        "{layer} 的输出有 {percent:.0f} % 处于饱和区，那里斜率接近 0：梯度消失"
    ),
    "use ReLU, smaller initial weights, or batch normalization before it": (
        "使用 ReLU、更小的初始权重，或在其前面加批归一化"
    ),
    "schema={got!r}": "schema={got!r}",
    "{path!r} does not describe a run of schema {schema} (got {misfit}). Restore the file. [damaged-run]": (
        "{path!r} 描述的不是 schema 为 {schema} 的训练（实际情况：{misfit}）。请恢复该文件。[damaged-run]"
    ),
    "{path!r} does not match its checksum (edited or damaged). Restore it, or start a new run with other "
    "settings. [damaged-run]": (
        "{path!r} 与其校验和不符（被修改或已损坏）。请恢复它，或用其他设置开始新的训练。[damaged-run]"
    ),
    "{folder!r} is not a run folder (no run.json in it). If the run was stopped before its first "
    "checkpoint, start it again with run={folder!r}. [no-run]": (
        "{folder!r} 不是运行文件夹（其中没有 run.json）。如果训练在第一个检查点之前就停止了，请用 "
        "run={folder!r} 重新开始。[no-run]"
    ),
    "{path!r} is not valid JSON ({reason}). Restore the file. [damaged-run]": (
        "{path!r} 不是有效的 JSON（{reason}）。请恢复该文件。[damaged-run]"
    ),
    "{path!r} has no intact checkpoint. Start the run again in another folder. [no-checkpoint]": (
        "{path!r} 中没有完好的检查点。请在其他文件夹中重新开始训练。[no-checkpoint]"
    ),
    "checkpoint saved\nresume with: convscope train --resume {path}": (
        "已保存检查点\n继续训练：convscope train --resume {path}"
    ),
    "{path!r} is not a checkpoint of this run. Restore the original file. [other-network]{lines}": (
        "{path!r} 不是这次训练的检查点。请恢复原始文件。[other-network]{lines}"
    ),
    "Create one with `convscope train`.": "请用 `convscope train` 创建一个。",
    "{path!r} already contains a run. Resume it with resume={path!r}, or choose another folder. [run-exists]": (
        "{path!r} 中已有一次训练。请用 resume={path!r} 继续，或选择其他文件夹。[run-exists]"
    ),
    "{path!r} is a run of another network than {network}. Create the model from the run's network. "
    "[other-network]{lines}": (
        "{path!r} 是另一个网络的训练，而非 {network}。请用该训练的网络创建模型。[other-network]{lines}"
    ),
    "checkpoint saved, resume with resume={path!r}": "已保存检查点，可用 resume={path!r} 继续训练",
    "{log_path!r} is shorter than at the last checkpoint (got {size:,} bytes in complete lines, not "
    "{written:,}). Restore the original log. [log-short]": (
        "{log_path!r} 短于最近一个检查点时的长度（完整的行共 {size:,} 字节，应为 {written:,} 字节）。请恢复原始"
        "日志。[log-short]"
    ),
    "There is no run folder {path!r}. {hint} [no-model]": "没有运行文件夹 {path!r}。{hint}[no-model]",
    "{setting} must be {known} (got {got!r}). [checkpoint]": (
        "{setting} 必须是 {known}（实际为 {got!r}）。[checkpoint]"
    ),
    "an unknown key {key!r}": "未知的键 {key!r}",
    "a position with {misfit}": "训练状态有误：{misfit}",
    "{path!r} was started with other settings or data (got {key}={got!r}, not {recorded!r}). Use the same "
    "model settings and data. [other-data]": (
        "{path!r} 开始时使用的设置或数据不同（实际为 {key}={got!r}，原为 {recorded!r}）。请使用相同的模型设置和"
        "数据。[other-data]"
    ),
    "{path!r} does not name its data ({reason}). Restore the file, or pass --data. [damaged-run]": (
        "{path!r} 没有写明其数据（{reason}）。请恢复该文件，或传入 --data。[damaged-run]"
    ),
    "{error} The previous checkpoint is used, if there is one.": "{error} 若有上一个检查点，则使用它。",
    "TensorBoard files need tensorboard": "TensorBoard 文件需要 tensorboard",
    "{path!r} has arrays but no network. Use load_model(network, weights={path!r}). [no-network]": (
        "{path!r} 只有数组，没有网络。请使用 load_model(network, weights={path!r})。[no-network]"
    ),
    "{epoch}, dead units {dead:,} of {units:,}": ("{epoch}，失活单元 {dead:,}/{units:,}"),
    "{path!r} has no valid normalization ({reason}). Restore the file. [damaged-run]": (
        "{path!r} 中的归一化无效（{reason}）。请恢复该文件。[damaged-run]"
    ),
}
