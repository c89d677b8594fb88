"""Answers of EC2 as AWS could lawfully send them, made from botocore's service model and a number.

`usual` ones look as AWS's do: an instance begins as all others do. Others are as odd as XML allows.
"""

import random
from xml.sax.saxutils import escape

from elements.aws.botocore_session import shared_session

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
FORBIDDEN = {"\x00"}
TEXTS = (
    "",
    " ",
    "a",
    "eu-central-1a",
    "Play & out",
    "<b>",
    "]]>",
    " both ends ",
    "🎬 ünï\u202e",
    "\u0085\u2028",
    "a\nb\tc",
    "x" * 3000,
)
TIMES = (
    "2026-03-01T11:59:58.000Z",
    "2026-03-01T11:59:58Z",
    "2026-03-01T13:59:58.123456+02:00",
    "Sun, 01 Mar 2026 11:59:58 GMT",
    "1772366398",
)
STATES = ((0, "pending"), (16, "running"), (272, "running"), (80, "stopped"), (7, "hovering"))
ALWAYS = {"InstanceId", "State", "Instances", "Reservations", "InstanceStatuses", "Code", "Name"}


def shape_of(operation):
    return shared_session().get_service_model("ec2").operation_model(operation).output_shape


class Answer:
    """Writes one answer; `self.made` are the instance IDs in it."""

    def __init__(self, operation, seed, *, usual, instances=5):
        self.random, self.usual, self.instances = random.Random(seed), usual, instances
        self.operation, self.made = operation, 0
        self.space = "\n" if usual else self.random.choice(("", "\n", " ", "\r\n\t"))
        self.whims = not usual and self.random.random() < 0.6

    def body(self):
        root, head = f"{self.operation}Response", '<?xml version="1.0" encoding="UTF-8"?>\n'
        inner = self.children(shape_of(self.operation), 1) + f"<requestId>{self.random.random()}</requestId>"
        if not self.usual:
            head = self.random.choice((head, "", head.replace("UTF-8", "utf-8"), "<?xml version='1.0'?>"))
        names = "" if self.whims and self.random.random() < 0.3 else f' xmlns="{NAMESPACE}"'
        return f"{head}<{root}{names}>{inner}{self.space}</{root}>".encode()

    def children(self, shape, depth):
        parts = []
        for name, member in shape.members.items():
            if name in ALWAYS or self.random.random() < 0.5:
                parts.append((name, self.element(member.serialization.get("name", name), member, depth, name)))
        if not (self.usual and depth > 1):
            self.random.shuffle(parts)
        if "InstanceId" in shape.members and self.usual:
            parts.sort(key=lambda part: part[0] != "InstanceId")
        texts = [text for _, text in parts]
        for _ in range(self.random.randrange(2)):
            texts.insert(self.random.randrange(1, len(texts) + 1) if texts else 0, self.unknown(depth))
        return "".join(f"{self.space}{'  ' * depth if self.space else ''}{self.whim()}{text}" for text in texts)

    def element(self, tag, shape, depth, name):
        if shape.type_name == "structure":
            inner = self.children(shape, depth + 1)
        elif shape.type_name == "list":
            several = self.instances if name in ("Instances", "InstanceStatuses", "Reservations") else 3
            count = self.random.randrange(several)
            item = shape.member.serialization.get("name", "item")
            inner = "".join(
                f"{self.space}{'  ' * depth if self.space else ''}{self.element(item, shape.member, depth + 1, '')}"
                for _ in range(count)
            )
        else:
            inner = self.scalar(shape.type_name, name)
        names = f' xmlns="{NAMESPACE}"' if self.whims and self.random.random() < 0.01 else ""
        empty = not inner and self.random.random() < 0.5
        return f"<{tag}{names}/>" if empty else f"<{tag}{names}>{inner}</{tag}>"

    def scalar(self, kind, name):
        pick = self.random.choice
        if name == "InstanceId":
            self.made += 1
            return f"i-0{self.random.getrandbits(32):08x}{self.made:08x}"
        if kind in ("integer", "long"):
            return str(pick((0, 16, 272, 80, 7, 123456)))
        if kind == "boolean":
            return pick(("true", "false"))
        if kind == "timestamp":
            return pick(TIMES)
        return self.text(pick(TEXTS) if name != "NextToken" else "token")

    def text(self, value):
        """Write a text in one of the ways that XML has for it."""
        way = self.random.randrange(4) if self.whims else 0
        if way == 1:
            return "".join(f"&#{ord(char)};" for char in value)
        if way == 2 and "]]>" not in value:
            return f"<![CDATA[{value}]]>" if self.random.random() < 0.5 else f" <![CDATA[{value}]]>"
        if way == 3:
            return f"{escape(value)}<!-- a > b -->{escape(value)}"
        return escape(value).replace("\r", "&#13;")

    def whim(self):
        return (
            self.random.choice(("", "", "<!-- <item><instanceId>i-0</instanceId> -->", "<?why not?>"))
            if self.whims
            else ""
        )

    def unknown(self, depth):
        """Write a member that no model knows; some look like an instance."""
        space = f"{self.space}{'  ' * depth}"
        return self.random.choice(
            (
                "<newMember>true</newMember>",
                "<newSet><item><instanceId>i-0aaaaaaaaaaaaaaaa</instanceId></item></newSet>",
                f"<newSet>{space}<item>{space}  <instanceId>i-1</instanceId></item></newSet>",
                "<newSet><item><newSet><item/></newSet></item></newSet>",
                "<other xmlns='urn:other'><state>x</state></other>" if self.whims else "<newEmpty/>",
            )
        )


def as_aws_writes(seed, *, instances=None):
    """Return a page of DescribeInstances whose reservations look as AWS's do, with one instance or some in each.

    Its instances are odd ones, or all those of a form with their number in it.
    """
    chance, made = random.Random(seed), 0
    space = chance.choice(("", "\n", "\n    ", "\r\n\t")).encode()
    reservations = []
    for number in range(chance.randrange(1, 4)):
        pieces = []
        for _ in range(chance.randrange(1, 4)):
            made += 1
            pieces.append(instances % made if instances else _instance(seed + made, made, space))
        groups, requester = chance.random() < 0.7, chance.random() < 0.4
        said = (
            b"<item>",
            b"<reservationId>r-%d</reservationId>" % number,
            b"<ownerId>%012d</ownerId>" % chance.randrange(3),
            *([b"<groupSet/>"] if groups else []),
            b"<instancesSet>",
            *pieces,
            b"</instancesSet>",
            *([b"<requesterId>%d</requesterId>" % chance.randrange(3)] if requester else []),
            b"</item>",
        )
        reservations.append(space.join(said))
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="%b">' % NAMESPACE.encode()
    more = [b"<nextToken>token</nextToken>"] if chance.random() < 0.5 else []
    parts = (
        head,
        b"<requestId>1</requestId>",
        b"<reservationSet>",
        *reservations,
        b"</reservationSet>",
        *more,
        b"</DescribeInstancesResponse>",
    )
    return space.join(parts)


def _instance(seed, number, space):
    answer = Answer("DescribeInstances", seed, usual=True)
    answer.space, answer.made = space.decode(), number
    shape = shape_of("DescribeInstances").members["Reservations"].member.members["Instances"].member
    return answer.element("item", shape, 3, "Instance").encode()
