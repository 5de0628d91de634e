"""XML: nothing is followed or expanded; OpenVINO and PMML mean something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean
from touchstone.scan.file import scan_bytes

PMML = """<?xml version="1.0" encoding="UTF-8"?>
<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">
  <Header><Application name="SkLearn2PMML package" version="0.110.0"/></Header>
  <DataDictionary><DataField name="x" optype="continuous" dataType="double"/></DataDictionary>
  <RegressionModel modelName="line" functionName="regression">
    <Extension name="shape" value="1"/>
    <Output><OutputField name="y"><Apply function="+"><FieldRef field="x"/></Apply></OutputField></Output>
  </RegressionModel>
</PMML>
"""


def document(prologue: str, body: str = "<a>text</a>") -> bytes:
    """A document with something before its root."""
    return f'<?xml version="1.0"?>\n{prologue}\n{body}'.encode()


def net(layer: str) -> bytes:
    """An OpenVINO graph of one layer."""
    return f'<?xml version="1.0"?><net name="n" version="11"><layers>{layer}</layers></net>'.encode()


def constant(shape: str, size: str, offset: str = "0", kind: str = "f32") -> bytes:
    """A graph of one constant."""
    return net(
        f'<layer id="0" name="c" type="Const" version="opset1"><data element_type="{kind}" shape="{shape}" '
        f'offset="{offset}" size="{size}"/></layer>'
    )


def test_what_openvino_writes_is_clean() -> None:
    result = scanned(made("openvino.xml"), "model.xml")
    assert result.format == "openvino"
    assert is_plainly_clean(result)
    assert [(each.path, each.role, each.reach) for each in result.references] == [("model.bin", "tensors", 48)]
    assert {("framework", "openvino"), ("parameters", "12"), ("input", "x: f32[?,4]")} <= facts(made("openvino.xml"))


def test_plain_pmml_is_clean() -> None:
    result = scanned(PMML.encode(), "model.pmml")
    assert result.format == "pmml"
    assert is_plainly_clean(result)
    assert {("framework", "pmml 4.4"), ("name", "line"), ("input", "x: double")} <= facts(PMML.encode())


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        "<!-- comment -->",
        "<!DOCTYPE a>",
        '<?xml-stylesheet type="text/css" href="#style"?>',
    ],
)
def test_ordinary_prologues_are_clean(prologue: str) -> None:
    assert is_plainly_clean(scanned(document(prologue)))


@pytest.mark.parametrize(
    ("prologue", "rule"),
    [
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "xml/external-entity"),
        ('<!DOCTYPE a [<!ENTITY % e SYSTEM "http://host/x.dtd"> %e;]>', "xml/external-entity"),
        ('<!DOCTYPE a [<!ENTITY e PUBLIC "x" "http://host/x">]>', "xml/external-entity"),
        ('<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;&e;">]>', "xml/entity-bomb"),
        ('<!DOCTYPE a [<!ENTITY e "xxxxxxxxxxxx">]>', "xml/entity"),
        ('<!DOCTYPE a SYSTEM "http://host/x.dtd">', "xml/external-document-type"),
        ('<?xml-stylesheet type="text/xsl" href="http://host/x.xsl"?>', "xml/style-sheet"),
    ],
)
def test_declarations_that_lead_a_parser_elsewhere_are_found(prologue: str, rule: str) -> None:
    assert rule in rules(document(prologue, "<a>&e;</a>" if "ENTITY e " in prologue else "<a/>"))


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd"/></a>', "xml/inclusion"),
        ('<java class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"/></java>', "xml/java-object"),
        ("<svg><script>planted()</script></svg>", "xml/script"),
    ],
)
def test_elements_that_act_are_found(body: str, rule: str) -> None:
    assert rules(document("", body)) == {rule}


def test_entities_are_not_expanded() -> None:
    bomb = (
        '<!DOCTYPE a [<!ENTITY a0 "x">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 30)) + "]>"
    )
    result = scanned(document(bomb, "<a>&a29;</a>"))
    assert result.verdict == "unsafe"
    long = f'<!DOCTYPE a [<!ENTITY e "{"x" * 100_000}">]>'
    assert scanned(document(long, f"<a>{'&e;' * 20_000}</a>")).verdict == "review"


@pytest.mark.parametrize("body", ["<a>" * 300 + "</a>" * 300, "<a><b></a>", "<a/>planted", "<a", "<a>\x00</a>"])
def test_what_is_too_deep_or_no_xml_is_never_clean(body: str) -> None:
    assert scanned(document("", body), "file.xml").verdict == "incomplete"


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        ('<layer id="0" name="l" type="Planted" version="extension"/>', "openvino/extension-operator"),
        ('<layer id="0" name="l" type="Run" version="planted_opset"/>', "openvino/extension-operator"),
        ('<layer id="0" name="l" type="Add" version="opset15"/>', None),
        (
            '<layer type="Loop" version="opset5"><body><layer type="P" version="x"/></body></layer>',
            "openvino/extension-operator",
        ),
    ],
)
def test_operators_of_extension_libraries_are_found(layer: str, rule: str | None) -> None:
    assert rules(net(layer), "model.xml") == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("shape", "size", "offset", "kind", "fits"),
    [
        ("2, 3", "24", "8", "f32", True),
        ("", "4", "0", "f32", True),
        ("3", "2", "0", "u4", True),
        ("2, 3", "28", "0", "f32", False),
        ("2, 3", "-24", "0", "f32", False),
        ("2, 3", "24", "-8", "f32", False),
        ("2, x", "24", "0", "f32", False),
        ("99999999999, 99999999999", "24", "0", "f32", False),
    ],
)
def test_constants_are_held_to_their_size(shape: str, size: str, offset: str, kind: str, fits: bool) -> None:
    assert rules(constant(shape, size, offset, kind), "m.xml") == (set() if fits else {"openvino/size-mismatch"})


@pytest.mark.parametrize(
    ("added", "rule"),
    [
        ('<Apply function="com.planted.Run"/>', "pmml/class-function"),
        ('<Extension name="x" value="java.lang.Runtime.getRuntime()"/>', "pmml/code-in-extension"),
        ("<Extension>__import__('os')</Extension>", "pmml/code-in-extension"),
        ("<Extension><x:script xmlns:x='y'/></Extension>", "pmml/code-in-extension"),
    ],
)
def test_pmml_that_leads_to_code_is_found(added: str, rule: str) -> None:
    assert rule in rules(PMML.replace("<Output>", added + "<Output>").encode(), "model.pmml")


@settings(max_examples=150)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([made("openvino.xml"), PMML.encode()]))
    scanned(data.draw(damaged(original)), "model.xml")


def test_a_long_token_ends_the_reading() -> None:
    data = b"<a b='" + b"x" * (5 * 2**20)
    assert scan_bytes(data, "file.xml").verdict == "incomplete"
