"""Writes scalars.txt: plain scalars, the kind PyYAML 6 (FullLoader) gives them and their value.  python3 scalars.py > scalars.txt"""
import datetime, random, re, yaml

random.seed(1)
PIECES = ["0", "1", "7", "8", "9", "12", "59", "60", "_", ".", ":", "-", "+", "e", "E", "x", "b", "a", "F", "0x", "0b", "e-4", "e+4", ".inf", ".nan"]
WORDS = ["~", "null", "Null", "NULL", "nUll", "yes", "No", "on", "OFF", "true", "False", "tRUE", "y", "n", "<", "=", ".inf", "-.Inf", "+.INF",
         ".nan", ".NaN", "-.nan", "2001-12-14", "1:30", "1:30.5", "190:20:30", "190:20:30.15", "0", "-0", "+0", "0_", "1__0", "0x_f", "0b_1",
         "685_230.15", "6.8523015e+5", "685.230_15e+03", "1e5", "1.e+3", ".5", "-.5", "._", "1._5", "0.", "00", "007", "08", "0o14"]
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")  # YAML 1.2: here a number, unlike PyYAML


def kind(text):
    try:
        v = yaml.load("[" + text + "]", yaml.FullLoader)
    except Exception:
        return None
    if not isinstance(v, list) or len(v) != 1:
        return None
    v = v[0]
    if v is None:
        return "null", ""
    if isinstance(v, bool):
        return "bool", str(int(v))
    if isinstance(v, int):
        return ("int", str(v)) if abs(v) < 2**53 else None
    if isinstance(v, float):
        return "float", repr(v)
    if isinstance(v, datetime.date):
        return "string", ""
    if isinstance(v, str) and v == text:
        if NUMBER.match(text) and ("." in text or "e" in text.lower()):
            return "float", repr(float(text))
        return "string", ""
    return None


texts = list(WORDS)
while len(texts) < 1500:
    texts.append("".join(random.choice(PIECES) for _ in range(random.randint(1, 5))))
kept = {"null": 0, "bool": 0, "int": 0, "float": 0, "string": 0}
for t in dict.fromkeys(texts):
    k = kind(t)
    if k and (kept[k[0]] < 150):
        kept[k[0]] += 1
        print(t, k[0], k[1] or "-")
