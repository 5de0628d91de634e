"""What a valid description still leaves open, and which tests stay out of reach because of it."""

from __future__ import annotations

from touchstone.system.description import SystemDescription
from touchstone.text import Text


def open_questions(description: SystemDescription) -> tuple[Text, ...]:
    """One question for each thing that was left out and would allow more tests. None of them is an error."""
    model, data = description.model, description.data
    test = data.test
    asked = (
        (test is None, Text("data.test: which held-out data may be tested with?", "data.test：可用哪些留出数据测试？")),
        (
            data.train is None,
            Text(
                "data.train: which data was the model trained on? Poisoning and privacy tests need it",
                "data.train：模型用哪些数据训练？投毒与隐私测试需要它",
            ),
        ),
        (
            data.reference is None,
            Text(
                "data.reference: is there clean data from the operating domain? Drift tests need it",
                "data.reference：是否有来自运行领域的干净数据？漂移测试需要它",
            ),
        ),
        (
            test is not None and test.target is None and test.format != "image-folder",
            Text(
                "data.test.target: which column holds the true class? Without it nothing can be scored",
                "data.test.target：哪一列是真实类别？没有它就无法评分",
            ),
        ),
        (
            test is not None and not test.sensitive,
            Text(
                "data.test.sensitive: which columns are sensitive attributes? Fairness tests need them",
                "data.test.sensitive：哪些列是敏感属性？公平性测试需要它们",
            ),
        ),
        (
            model.output.positive is None and model.task == "classification",
            Text(
                "model.output.positive: which class matters? Sensitivity and group gaps need it",
                "model.output.positive：关注哪个类别？灵敏度与群体差距需要它",
            ),
        ),
        (
            model.input.kind != "text" and (model.input.low is None or model.input.high is None),
            Text(
                "model.input.low, high: what are the legal values? Attacks must stay inside them",
                "model.input.low、high：合法取值范围是多少？攻击须在其内进行",
            ),
        ),
        (
            not model.claims,
            Text("model.claims: which performance is claimed?", "model.claims：声明的性能是多少？"),
        ),
        (
            not description.components,
            Text(
                "components: what does the system depend on? Supply-chain checks need it",
                "components：系统依赖哪些组件？供应链检查需要它",
            ),
        ),
    )
    return tuple(question for is_open, question in asked if is_open)
