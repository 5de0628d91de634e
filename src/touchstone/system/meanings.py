"""What each field of `system.yaml` is for, in both languages.

The comments that `init` writes, the advice in error messages and the reference page all come from here. A test
holds this table complete and free of fields that no longer exist.
"""

from touchstone.text import Text

MEANINGS: dict[str, Text] = {
    "SystemDescription": Text("the whole description of one AI system", "一个人工智能系统的完整描述"),
    "SystemDescription.schema": Text("version of this file's schema", "本文件的模式版本"),
    "SystemDescription.system": Text("what the system is and who answers for it", "系统是什么、由谁负责"),
    "SystemDescription.facts": Text(
        "facts that decide which controls apply; a fact left out is unknown, never false",
        "决定适用哪些控制项的事实；未填写即为未知，绝不视为否",
    ),
    "SystemDescription.operating_domain": Text(
        "conditions the system is made for, out of the profile's; left out, it must bear all of them",
        "系统设计运行所处的条件，从档案所列中选取；不填则须承受全部条件",
    ),
    "SystemDescription.operating_dimensions": Text(
        "what the operating domain varies in: for a column of the data (attribute, site, input) its values, or, for an "
        "input, the edges of its intervals",
        "运行域的变化维度：数据列（属性、站点、输入）的取值；对输入列亦可给出区间边界",
    ),
    "SystemDescription.model": Text("the model under test", "被测模型"),
    "SystemDescription.data": Text("the data handed in, by role", "按角色提交的数据"),
    "SystemDescription.components": Text("what the system depends on", "系统的依赖"),
    "SystemDescription.deployment": Text("where and how the system runs", "系统在何处、如何运行"),
    "SystemDescription.training": Text("how the model was trained", "模型的训练方式"),
    "SystemDescription.registers": Text(
        "records of building and running the system, by kind; JSON Lines or YAML",
        "构建与运行系统的登记记录，按种类列出；JSON Lines 或 YAML 格式",
    ),
    "SystemDescription.documents": Text("documents handed in as evidence for controls", "作为控制项证据提交的文档"),
    "Identity.name": Text("name of the system", "系统名称"),
    "Identity.version": Text("version under test", "被测版本"),
    "Identity.supplier": Text("who is responsible for the system", "系统的责任方"),
    "Identity.intended_use": Text("what it is for, for whom, under which conditions", "用途、适用对象与使用条件"),
    "Identity.sector": Text("picks the profile", "据此选择标准档案"),
    "Identity.synthetic": Text(
        "true when model or data are made up for demonstration; printed everywhere",
        "模型或数据为演示而虚构时填 true；会在各处标明",
    ),
    "Supplier.name": Text("legal name", "法定名称"),
    "Supplier.country": Text("ISO 3166-1 code of the seat", "注册地的 ISO 3166-1 代码"),
    "Supplier.contact": Text("address for questions about this description", "就本描述进行询问的联系方式"),
    "ModelDeclaration.format": Text(
        "how the model is handed in; pickles are scanned but never opened", "模型的提交形式；pickle 只扫描、绝不打开"
    ),
    "ModelDeclaration.task": Text("what the model is made to do", "模型的任务类型"),
    "ModelDeclaration.access": Text(
        "what the tester may see; checks that need more are reported as not tested",
        "测评方可见的范围；需要更多权限的检查项记为未测试",
    ),
    "ModelDeclaration.file": Text("the model file itself", "模型文件本身"),
    "ModelDeclaration.more_files": Text(
        "further files that belong to the model: preprocessing, external weights",
        "模型的其他文件：预处理、外部权重等",
    ),
    "ModelDeclaration.signature": Text(
        "the supplier's signature over the model's files, in the format of OpenSSF Model Signing",
        "供应方对模型文件的签名，采用 OpenSSF Model Signing 格式",
    ),
    "ModelDeclaration.signer": Text("public key (PEM) of whoever signed", "签名者的公钥（PEM）"),
    "ModelDeclaration.provenance": Text(
        "how the model's files were built: SLSA provenance, an in-toto statement in a DSSE envelope",
        "模型文件的构建来源：SLSA 来源证明，即 DSSE 信封中的 in-toto 声明",
    ),
    "ModelDeclaration.references": Text(
        "folder of honest reference models, as `touchstone references train` writes it",
        "可信参考模型的目录，由 `touchstone references train` 生成",
    ),
    "ModelDeclaration.endpoint": Text(
        "base URL of a service: Open Inference Protocol v2, or, for texts, chat as OpenAI has it",
        "服务的基础 URL：Open Inference Protocol v2；生成文本的系统为 OpenAI 对话接口",
    ),
    "ModelDeclaration.generation": Text("how a system that writes texts is asked", "生成文本的系统如何接受询问"),
    "Generation.instructions": Text(
        "text that goes ahead of every conversation; left out, the service brings its own",
        "置于每次对话之前的指令文本；不填则由服务自带",
    ),
    "Generation.languages": Text("languages it is made for", "系统所面向的语言"),
    "Generation.calls_tools": Text(
        "whether it takes descriptions of tools, and answers with calls of them",
        "是否接受工具描述并以工具调用作答",
    ),
    "Generation.unguarded_model": Text(
        "name at the endpoint of the same model without its guards, so that their cost is seen",
        "服务上同一模型不带防护时的名称，用于度量防护的代价",
    ),
    "Generation.answer_tokens": Text("longest answer that is asked for, in tokens", "请求的最长回答（词元数）"),
    "ModelDeclaration.endpoint_model": Text("name of the model at the endpoint", "模型在该服务中的名称"),
    "ModelDeclaration.endpoint_queries": Text(
        "most samples that may be sent to the service each time the model is opened; what needs more is cut short",
        "每次打开模型后最多可向服务发送的样本数；超出部分的测试提前结束",
    ),
    "ModelDeclaration.input": Text("what one input looks like, before preprocessing", "单个输入在预处理前的样子"),
    "ModelDeclaration.normalisation": Text(
        "preprocessing that the model file does not contain: (x - mean) / scale",
        "模型文件未包含的预处理：(x - mean) / scale",
    ),
    "ModelDeclaration.output": Text("what the model answers", "模型的输出"),
    "ModelDeclaration.architecture": Text(
        "the layers of a safetensors model, in order", "safetensors 模型的各层，按顺序"
    ),
    "ModelDeclaration.smoothing": Text(
        "the service answers with the majority of the model's answers under noise",
        "对外给出的是模型在噪声下多次回答的多数结果",
    ),
    "ModelDeclaration.derived": Text(
        "how this model was made of that of another system", "该模型如何由另一系统的模型得到"
    ),
    "ModelDeclaration.deployed": Text(
        "forms of the same model that go into service instead of the one above",
        "同一模型实际投入使用的其他形态",
    ),
    "DeployedForm.name": Text("what the form is called in the report", "该形态在报告中的名称"),
    "DeployedForm.format": Text("how the form is handed in", "该形态的提交形式"),
    "DeployedForm.runtime": Text(
        "onnx: the runtime that the form runs on; left out, ONNX Runtime",
        "onnx：该形态所用的运行时；不填则为 ONNX Runtime",
    ),
    "DeployedForm.file": Text("its model file", "其模型文件"),
    "DeployedForm.more_files": Text("further files that belong to it", "属于它的其他文件"),
    "DeployedForm.endpoint": Text("base URL of the service that runs it", "运行该形态的服务的基础 URL"),
    "DeployedForm.endpoint_model": Text("name of the model at the endpoint", "模型在该服务中的名称"),
    "DeployedForm.input_tensor": Text("name of its input tensor, when it has several", "有多个输入张量时，其名称"),
    "DeployedForm.output": Text(
        "meaning of its output; left out, that of the evaluated form", "输出的含义；不填则与被测形态相同"
    ),
    "DeployedForm.output_tensor": Text("name of its output tensor, when it has several", "有多个输出张量时，其名称"),
    "DeployedForm.architecture": Text("the layers in order", "按顺序列出的各层"),
    "ModelDeclaration.claims": Text(
        "performance the applicant claims, from 0 to 1; the laboratory confirms or refutes it",
        "申请方声明的性能（0 到 1）；由实验室证实或证伪",
    ),
    "InputSpecification.kind": Text("what kind of input the model takes", "模型的输入类型"),
    "InputSpecification.columns": Text(
        "feature columns, in the order the model takes them", "特征列，按模型接收的顺序"
    ),
    "InputSpecification.shape": Text("shape of one sample without the batch axis", "单个样本的形状，不含批次维"),
    "InputSpecification.layout": Text("order of the axes of an image", "图像各维的顺序"),
    "InputSpecification.low": Text(
        "smallest legal value of any element; tests stay inside", "元素的最小合法值；测试不会越界"
    ),
    "InputSpecification.high": Text("largest legal value of any element", "元素的最大合法值"),
    "InputSpecification.tensor": Text(
        "name of the input tensor, when the model has several", "模型有多个输入张量时，所用张量的名称"
    ),
    "InputSpecification.constraints": Text(
        "what an attacker can change in a row, by how much and at what cost",
        "攻击者可在一行中改动什么、改动多少、代价几何",
    ),
    "InputConstraints.columns": Text(
        "columns that can be changed; a column named nowhere here cannot", "可被改动的列；此处未提及的列不可改动"
    ),
    "InputConstraints.one_hot": Text("categories, one column per value", "类别特征，每个取值一列"),
    "InputConstraints.rules": Text(
        "linear inequalities between columns that hold in every row, such as debt <= 0.5 * income",
        "每行均须满足的列间线性不等式，如 debt <= 0.5 * income",
    ),
    "InputConstraints.budget": Text("most that all changes of a row may cost together", "一行全部改动的总代价上限"),
    "ColumnConstraint.kind": Text("what values the column takes", "该列的取值类型"),
    "ColumnConstraint.low": Text("smallest legal value of the column", "该列的最小合法值"),
    "ColumnConstraint.high": Text("largest legal value of the column", "该列的最大合法值"),
    "ColumnConstraint.step": Text("the value moves by whole multiples of this", "取值只能按此步长的整数倍变动"),
    "ColumnConstraint.may": Text("the only direction in which it can be moved", "唯一可变动的方向"),
    "ColumnConstraint.reach": Text(
        "how far it can be moved, in the column's own unit", "最多可变动的幅度，以该列自身单位计"
    ),
    "ColumnConstraint.cost": Text("cost of moving it by one unit", "变动一个单位的代价"),
    "ColumnConstraint.unit": Text("unit of the column", "该列的单位"),
    "OneHotGroup.name": Text("what the category is", "该类别特征的含义"),
    "OneHotGroup.columns": Text(
        "the group's columns; exactly one of them is 1, the others are 0", "该组的列；恰有一列为 1，其余为 0"
    ),
    "OneHotGroup.cost": Text("cost of changing to another category", "改为另一类别的代价"),
    "Normalisation.mean": Text("subtracted, one number per channel or column", "减去的均值，每通道或每列一个"),
    "Normalisation.scale": Text("divided by, one number per channel or column", "除以的尺度，每通道或每列一个"),
    "OutputSpecification.kind": Text("meaning of the model's output", "模型输出的含义"),
    "OutputSpecification.labels": Text("class names, in the order of the output", "类别名称，按输出顺序"),
    "OutputSpecification.positive": Text(
        "the class that matters, for sensitivity and group gaps", "关注的类别，用于灵敏度与群体差距"
    ),
    "OutputSpecification.tensor": Text(
        "name of the output tensor, when the model has several", "模型有多个输出张量时，所用张量的名称"
    ),
    "Layer.kind": Text("what the layer does", "层的类型"),
    "Layer.name": Text("prefix of its tensors in the weights file", "其张量在权重文件中的前缀"),
    "Layer.inputs": Text("input features or channels", "输入特征数或通道数"),
    "Layer.outputs": Text("output features or channels", "输出特征数或通道数"),
    "Layer.kernel": Text("side of the square window", "方形窗口的边长"),
    "Layer.stride": Text("step of the window", "窗口的步长"),
    "Layer.padding": Text("zeros added on each side", "每侧补零的数量"),
    "Smoothing.sigma": Text(
        "standard deviation of the noise, in the units of the inputs", "噪声的标准差，单位与输入相同"
    ),
    "Smoothing.samples": Text("noisy copies of each input that are asked", "每个输入查询的加噪副本数"),
    "Smoothing.seed": Text(
        "the noise of an input follows from this number and the input itself", "输入的噪声由该数字与输入本身决定"
    ),
    "Derivation.system": Text("digest of the system it was made of", "来源系统的摘要"),
    "Derivation.recipe": Text("what was done to it", "所用的加固方法"),
    "Derivation.seed": Text("seed of everything drawn by lot", "全部随机抽取的种子"),
    "Derivation.parameters": Text("settings of the recipe", "方法的参数"),
    "DataSets.test": Text("held-out data the model has not seen", "模型未见过的留出数据"),
    "DataSets.train": Text("data the model was trained on", "模型的训练数据"),
    "DataSets.outside": Text(
        "inputs from outside the operating domain, of which the system should not be sure",
        "运行域以外的输入，系统不应对其有把握",
    ),
    "DataSets.reference": Text("clean data from the operating domain", "来自运行领域的干净数据"),
    "DataSet.path": Text(
        "the file (image-folder: the folder), relative to this file", "数据文件（image-folder 为目录），相对于本文件"
    ),
    "DataSet.format": Text("format of the file", "文件格式"),
    "DataSet.target": Text(
        "column (npz: array) of the true class; labels by name or by index",
        "真实类别所在的列（npz 为数组）；用名称或序号均可",
    ),
    "DataSet.identifier": Text("column that identifies a row; must be unique", "标识一行的列；须唯一"),
    "DataSet.sensitive": Text("columns of sensitive attributes, such as sex or age band", "敏感属性列，如性别、年龄段"),
    "DataSet.features": Text(
        "npz: array of the inputs; texts (csv, jsonl): column of the text",
        "npz：输入所在的数组；文本（csv、jsonl）：文本所在的列",
    ),
    "DataSet.predictions": Text(
        "columns of precomputed predictions: one label column, or one column per class",
        "预先计算的预测列：一列标签，或每类一列",
    ),
    "DataSet.site": Text("column of the site or device a row comes from", "该行来源机构或设备的列"),
    "DataSet.annotations": Text(
        "columns of the labels that single people gave, empty where one gave none",
        "各标注人员所给标签的列；某人未标注时留空",
    ),
    "DataSet.missing": Text(
        "input columns that may lack a value, each with the value the deployed system fills in",
        "允许缺失取值的输入列，以及部署系统为其填补的值",
    ),
    "DataSet.origin": Text(
        "where the data come from, and under which licence or consent", "数据来源，以及所依据的许可或同意"
    ),
    "DataSet.collected": Text("when they were collected", "采集时间"),
    "DataSet.synthetic": Text("true for generated data; printed everywhere", "数据为生成时填 true；会在各处标明"),
    "DataSet.personal_information": Text(
        "kinds of personal information that it is known and allowed to hold", "已知且获准包含的个人信息种类"
    ),
    "Training.differential_privacy": Text(
        "the claim of differential privacy, where there is one", "差分隐私声明（如有）"
    ),
    "DifferentialPrivacy.claimed_epsilon": Text("the epsilon that is claimed", "所声称的 ε"),
    "DifferentialPrivacy.delta": Text("the delta it is claimed for", "声称所对应的 δ"),
    "DifferentialPrivacy.noise_multiplier": Text(
        "standard deviation of the noise on each sum of gradients, in clipping norms",
        "每次梯度求和所加噪声的标准差，以裁剪范数为单位",
    ),
    "DifferentialPrivacy.clipping_norm": Text(
        "norm to which the gradient of each record is clipped", "每条记录的梯度所裁剪到的范数"
    ),
    "DifferentialPrivacy.sampling_rate": Text(
        "chance with which a record takes part in a step, or batch size divided by records",
        "一条记录参与一步训练的概率，或批大小除以记录数",
    ),
    "DifferentialPrivacy.steps": Text("optimiser steps", "优化步数"),
    "DifferentialPrivacy.records": Text("records that were trained on", "训练记录数"),
    "DifferentialPrivacy.sampling": Text(
        "how batches are drawn: each record by its own coin, in shuffled passes, or by weight",
        "批次的抽取方式：逐条独立抽样（poisson）、打乱后逐轮（shuffled）或加权（weighted）",
    ),
    "DifferentialPrivacy.canary_scores": Text(
        "CSV of an audit with canaries: columns `included` (0 or 1) and `score`",
        "金丝雀审计的 CSV：列 `included`（0 或 1）与 `score`",
    ),
    "Training.canaries": Text(
        "canaries that the supplier planted in the training data, and others that were drawn alike and left out",
        "供方植入训练数据的金丝雀样本，以及以同样方式抽取但未参与训练的样本",
    ),
    "CanaryLedger.path": Text("the file, relative to this file", "文件，相对于本文件"),
    "CanaryLedger.format": Text("format of the file", "文件格式"),
    "CanaryLedger.target": Text("column (npz: array) of the planted label", "植入标签所在的列（npz 为数组）"),
    "CanaryLedger.included": Text(
        "column of 1 (trained on) and 0 (left out)", "标明是否参与训练的列：1 为参与，0 为未参与"
    ),
    "CanaryLedger.features": Text(
        "npz: array of the inputs; texts (csv, jsonl): column of the text",
        "npz：输入所在的数组；文本（csv、jsonl）：文本所在的列",
    ),
    "Training.collaboration": Text(
        "how parties trained it together, each on data of its own (federated learning)",
        "多方各自持有数据、共同训练模型的方式（联邦学习）",
    ),
    "Collaboration.parties": Text("parties that hold data", "持有数据的参与方数"),
    "Collaboration.rounds": Text("rounds of training", "训练轮数"),
    "Collaboration.rule": Text(
        "how updates are made one: mean, median, trimmed mean, geometric median",
        "更新的聚合规则：均值、中位数、截尾均值或几何中位数",
    ),
    "Collaboration.trimmed": Text(
        "trimmed-mean: share of the values that is left out at either end", "截尾均值：两端各舍去的比例"
    ),
    "Collaboration.server_sees": Text(
        "what the server gets to see: every update; sums alone (secure aggregation); or what the rule makes of all",
        "服务器可见的内容：每方更新（updates）、仅求和结果（sums，安全聚合）或仅规则的输出（result）",
    ),
    "Collaboration.groups": Text(
        "sums: groups that a round is divided into, each summed by itself before the rule is applied",
        "仅见求和时：一轮所分的组数，各组先分别求和，再应用聚合规则",
    ),
    "Collaboration.local_steps": Text(
        "steps of gradient descent that a party makes for one update", "参与方为一次更新所做的梯度下降步数"
    ),
    "Collaboration.batch_size": Text("rows of a party's data in one such step", "每步所用的本地数据行数"),
    "Collaboration.learning_rate": Text("length of such a step", "每步的学习率"),
    "Collaboration.clipping_norm": Text("norm to which each party clips its update", "各方更新所裁剪到的范数"),
    "Collaboration.clipping_enforced": Text(
        "true where a longer update cannot count, whoever sent it: the server clips what it sees, or norms are proven",
        "过长的更新无论由谁提交均不生效时填 true：由服务器裁剪其所见更新，或须证明范数",
    ),
    "Collaboration.noise_multiplier": Text(
        "standard deviation of the noise that each party adds to its update, in clipping norms",
        "各方在更新上所加噪声的标准差，以裁剪范数为单位",
    ),
    "DataSet.sha256": Text(
        "digest the supplier recorded for this file at training time", "供方在训练时为该文件记录的摘要"
    ),
    "Component.name": Text("name of the component", "组件名称"),
    "Component.kind": Text("what sort of component it is", "组件类别"),
    "Component.version": Text("version in use", "所用版本"),
    "Component.supplier": Text("who supplies it", "供应方"),
    "Component.origin": Text("jurisdiction that controls the supplier", "对供应方有管辖权的法域"),
    "Component.licence": Text("licence it is used under", "所依据的许可"),
    "Component.package": Text(
        "package URL, so that advisories about it are found", "软件包 URL（purl），用于查找其安全公告"
    ),
    "Component.substitutes": Text("components that were tested in its place", "经过替代测试的组件"),
    "Deployment.endpoint": Text("URL at which the system is in service", "系统对外服务的 URL"),
    "Deployment.endpoint_tests": Text(
        "consent to hostile requests and load against the service under test, and their bounds",
        "对被测服务发送恶意请求与负载的许可及其边界",
    ),
    "EndpointTests.consent": Text("who permits it, for which instance and time", "由谁许可、针对哪个实例、在何时段"),
    "EndpointTests.interfaces": Text("what the service speaks at this address", "该地址上服务所用的接口协议"),
    "EndpointTests.tenant_rate": Text(
        "requests per second that the service grants one ordinary client", "服务给予单个普通客户端的每秒请求数"
    ),
    "EndpointTests.requests": Text("most requests, all together", "请求总数上限"),
    "EndpointTests.seconds": Text("longest time the tests may take", "测试最长时间（秒）"),
    "EndpointTests.recovery_seconds": Text(
        "time after overload within which the service claims to answer again", "服务声明的过载后恢复应答时间"
    ),
    "Deployment.tool_gateway": Text(
        "staging gateway to the tools; calls that the tool policy forbids are sent there",
        "工具网关的预发布实例；工具使用规则所禁止的调用将发往此处",
    ),
    "ToolGateway.url": Text(
        "MCP endpoint (Streamable HTTP), on the host of model.endpoint or on this machine",
        "MCP 端点（Streamable HTTP），须在 model.endpoint 的主机或本机上",
    ),
    "ToolGateway.users": Text(
        "for each role, the identifier of a test user, whose token is in TOUCHSTONE_GATEWAY_TOKEN_<ROLE>",
        "各角色测试用户的标识，其令牌取自环境变量 TOUCHSTONE_GATEWAY_TOKEN_<角色>",
    ),
    "ToolGateway.other_users": Text(
        "identifiers of users with whose matters the test users have nothing to do",
        "与测试用户无关的其他用户的标识",
    ),
    "ToolGateway.approval_tool": Text(
        "tool of the gateway with which a role approves a call: it takes `tool`, `arguments` (JSON) and `user`, and "
        "answers with a reference",
        "角色用以批准调用的网关工具：接受 `tool`、`arguments`（JSON）与 `user`，并返回批准编号",
    ),
    "ToolGateway.approval_key": Text(
        "key of `_meta` under which a call presents that reference", "调用时在 `_meta` 中出示该编号所用的键"
    ),
    "Deployment.jurisdictions": Text("where the system is used", "系统的使用地法域"),
    "Deployment.edge_devices": Text(
        "devices outside the data centre that run the model or feed it", "数据中心之外运行模型或为其供数的设备"
    ),
    "EdgeDevice.name": Text("name of the device type", "设备型号名称"),
    "EdgeDevice.kind": Text("what the device is", "设备类别"),
    "EdgeDevice.count": Text("how many are in use", "在用数量"),
    "EdgeDevice.identity": Text("how a device proves which one it is", "设备如何证明其身份"),
    "Document.path": Text("the document, relative to this file", "文档，相对于本文件"),
    "Document.controls": Text("controls it speaks to", "所涉及的控制项"),
    "Document.title": Text("title of the document", "文档标题"),
}
