"""The log of a vault of version 2, read and checked from FORMAT.md section 13 alone.
A part of Tools/reference-reader: numbers in parentheses are sections of FORMAT.md. Signatures are
checked with the module `cryptography`, or else with the program `openssl`."""
import hashlib, os, re, struct, subprocess, tempfile

RECORD_MAX, LIST_MAX, BODIES_MAX, SEGMENT = 4 << 20, 65536, 1024, 1024  # (13.12)
SEQUENCE_MAX, TEXT_MAX, JOURNAL_MAX = (1 << 63) - 1, 8192, 32768
FEATURES = {"log-v2", "sha256", "zstd", "gear-tail-v1", "fixed-v1"}
WRITE, PRUNE, SETTINGS, MEMBERS = 1, 2, 4, 8
# (13.5) What the signer of a body needs; keys and rekeys carry signatures of the root key.
RIGHTS = {1: SETTINGS, 2: MEMBERS, 3: WRITE, 4: WRITE, 5: PRUNE, 6: WRITE, 7: PRUNE, 8: WRITE,
          9: PRUNE, 10: PRUNE, 11: WRITE, 12: PRUNE, 13: PRUNE, 14: SETTINGS, 15: PRUNE, 16: 0,
          17: MEMBERS, 18: MEMBERS, 19: WRITE, 20: 0, 21: MEMBERS}

class Damage(ValueError):
    pass

class TooNew(ValueError):
    pass

def need(condition, reason):
    if not condition:
        raise Damage(reason)

sha256 = lambda data: hashlib.sha256(data).digest()
key_id = lambda public: sha256(public)[:16]

def verifies(public, signature, message):
    """(13.3) Whether an Ed25519 signature is right."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verifies_with_openssl(public, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True

def verifies_with_openssl(public, signature, message):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "signature", "message")]
        # RFC 8410: the fixed start of a public key of Ed25519 in DER.
        for path, data in zip(paths, (bytes.fromhex("302a300506032b6570032100") + public,
                                      signature, message)):
            with open(path, "wb") as file:
                file.write(data)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0],
             "-rawin", "-sigfile", paths[1], "-in", paths[2]], capture_output=True).returncode == 0

class Bytes:
    """Bytes that are read field by field (1, 13.3)."""
    def __init__(self, data):
        self.data, self.offset = data, 0

    def take(self, count):
        need(count <= len(self.data) - self.offset, "a field ends behind its structure")
        self.offset += count
        return self.data[self.offset - count:self.offset]

    def number(self, width, least=0, most=1 << 64):
        value = int.from_bytes(self.take(width), "little")
        need(least <= value <= most, f"{value} is not in {least}...{most}")
        return value

    def signed(self):
        return struct.unpack("<q", self.take(8))[0]

    def flag(self):
        return self.number(1, 0, 1) == 1

    def text(self, most=TEXT_MAX, least=0):
        return self.take(self.number(2, least, most)).decode()

    def part(self):
        return Bytes(self.take(self.number(4, 0, RECORD_MAX)))

    def list32(self, read, least=0, most=LIST_MAX):
        return [read() for _ in range(self.number(4, least, most))]

    def ascending(self, read, least=1):
        values = self.list32(read, least)
        need(all(a < b for a, b in zip(values, values[1:])), "a set is not in order")
        return values

    def digests(self, least=1):
        return self.ascending(lambda: self.take(32), least)

    def record_number(self):
        return self.number(8, 1, SEQUENCE_MAX)

    def position(self):
        return self.record_number(), self.take(32)

    def header(self, magic):
        need(self.take(8) == magic, f"no {magic.decode()}")
        version = self.number(2, 1)
        if version > 1:
            raise TooNew(f"{magic.decode()} has version {version}")
        need(self.take(2) == b"\0\0", "reserved bytes are not zero")

    def end(self):
        need(self.offset == len(self.data), "bytes are left over")

def read_vault(open_part, hidden):
    features = [open_part.text(255) for _ in range(open_part.number(2, 0, 64))]
    if unknown := set(features) - FEATURES:
        raise TooNew(f"the vault needs {sorted(unknown)}")
    body = {"optional": [open_part.text(255) for _ in range(open_part.number(2, 0, 64))],
            "name": open_part.text(255, 1), "region": open_part.take(16),
            "pair": open_part.take(16) if open_part.flag() else None,
            "redundancy": open_part.number(1, 1, 4), "copies": open_part.number(1, 1, 3),
            "minimum": open_part.number(1, 1, 3), "chunker": open_part.text(255),
            "mean": open_part.number(4, 4096, 131072), "state": open_part.number(1, 0, 1),
            "root": open_part.take(32), "key": hidden.take(32) if hidden.flag() else None}
    if body["chunker"] not in FEATURES:
        raise TooNew(f"the vault needs {body['chunker']}")
    need(body["minimum"] <= body["copies"] and body["pair"] != body["region"], "invalid vault")
    need(body["mean"].bit_count() == 1, "mean that is no power of two")
    return body

def read_members(open_part, hidden):
    body = {"region": open_part.take(16),
            "replicas": open_part.list32(lambda: open_part.take(16), 1, 3)}
    distinct = set(body["replicas"]) - {bytes(16)}
    need(len(distinct) == len(body["replicas"]), "invalid members")
    return body

def read_point(open_part, hidden):
    point, length, data = open_part.take(32), open_part.number(4), hidden.part().data
    need(len(data) == length and data[-32:] == point == sha256(data[:-32]), "invalid point")
    need(data[:12] == b"KURAPOIN\1\0\0\0", "no point")
    if hidden.flag():
        hidden.take(32)
    record = Bytes(data[16:-32])
    return {"point": point, "vault": record.take(16), "item": record.text(255, 1),
            "sequence": record.record_number()}

def read_runs(open_part, hidden):
    run = lambda: (open_part.take(32), open_part.take(16), open_part.number(4, 0, 1 << 24))
    body = {"added": open_part.ascending(run, 0), "superseded": open_part.digests(0)}
    need(body["added"] or body["superseded"], "a body about no run")
    return body

def read_key(open_part, hidden):
    start = open_part.offset
    body = {"id": open_part.take(16), "public": open_part.take(32),
            "rights": open_part.number(4, 0, 15), "admitted": open_part.flag()}
    body["said"] = open_part.data[start:open_part.offset]
    need(body["id"] == key_id(body["public"]), "a key with the name of another")
    return body | {"signature": open_part.take(64), "name": hidden.text(255)}

def read_rekey(open_part, hidden):
    body = {"said": open_part.data[open_part.offset:open_part.offset + 33],
            "root": open_part.take(32), "reason": open_part.number(1, 1, 3),
            "old": open_part.take(64), "new": open_part.take(64)}
    need((body["old"] == bytes(64)) == (body["reason"] == 3), "invalid signature of a rekey")
    return body

def read_adoption(open_part, hidden):
    body = {"tip": open_part.position(), "first": open_part.record_number()}
    need(body["first"] <= body["tip"][0], "a branch that ends before it begins")
    return body | {"refused": hidden.list32(lambda: hidden.text(1024))}

def points(*private):
    """The reader of a body that names points, and has these texts in private."""
    def read(open_part, hidden):
        body = {"points": open_part.digests()}
        for field, least, most in private:
            body[field] = hidden.signed() if field == "time" else hidden.text(most, least)
        return body
    return read

REASON, HOLD = ("reason", 0, TEXT_MAX), ("name", 1, 255)
READERS = {  # (13.5)
    1: read_vault, 2: read_members, 3: read_point, 4: read_runs,
    5: points(("time", 0, 0), REASON), 6: points(REASON), 7: points(), 8: points(HOLD, REASON),
    9: points(HOLD), 10: lambda o, h: {"packs": o.digests()},
    11: lambda o, h: {"packs": o.digests()},
    12: lambda o, h: {"condemned": o.record_number(), "packs": o.digests()},
    13: lambda o, h: {"sweeps": o.ascending(o.record_number)},
    14: lambda o, h: {"subject": h.text(1024, 1), "before": h.text(JOURNAL_MAX),
                      "after": h.text(JOURNAL_MAX)},
    15: lambda o, h: {"objects": o.ascending(lambda: (o.number(1, 1, 3), o.take(32))),
                      "reason": h.text()},
    16: read_key, 17: lambda o, h: {"region": o.take(16), "branch": o.position()},
    18: read_adoption, 19: lambda o, h: {"number": o.record_number(), "root": o.take(32)},
    20: read_rekey, 21: lambda o, h: {"accepted": o.position(), "reason": h.text()}}

class Record:
    """(13.4) With the decision behind it (13.6)."""
    def __init__(self, data):
        whole = Bytes(data)
        whole.header(b"KURALOGR")
        length = whole.number(4, 0, RECORD_MAX - 16)
        need(len(data) == 16 + length + 80, "wrong length")
        self.bytes, self.digest = data[:-80], sha256(data[:-80])
        self.decider, self.decision = data[-80:-64], data[-64:]
        fields = Bytes(self.bytes)
        fields.take(16)
        vault = fields.take(16)
        self.number = fields.record_number()
        self.previous = fields.take(32)
        need((self.number == 1) == (vault == bytes(16)) == (self.previous == bytes(32)),
             "wrong links of record 1, or none")
        self.vault = self.digest[:16] if self.number == 1 else vault
        self.epoch, self.time = fields.number(8), fields.signed()
        fields.take(32)
        if fields.number(4):
            raise TooNew("the private part is encrypted")
        self.read_parts(fields.part(), fields.part())
        self.signer, self.signature = fields.take(16), fields.take(64)
        fields.end()

    def read_parts(self, open_part, hidden):
        open_part.number(1, 1, 4)
        self.actor, self.operation = hidden.text(255, 1), hidden.text(255, 1)
        self.note, self.bodies = hidden.text(JOURNAL_MAX), []
        for _ in range(open_part.number(2, 1, BODIES_MAX)):
            kind, flags = open_part.number(2, 1), open_part.number(2, 0, 1)
            public, private = open_part.part(), hidden.part()
            if kind not in READERS:
                if flags:
                    raise TooNew(f"a body of type {kind} must be understood")
                continue
            need(flags == 0, "flags of a known type")
            self.bodies.append((kind, READERS[kind](public, private)))
            public.end()
            private.end()
        open_part.end()
        hidden.end()
        need(self.number > 1 or self.bodies[:1] and self.bodies[0][0] == 1,
             "record 1 does not start with the vault")

class State:
    """(13.5) What the records say, as far as a reader of disks needs it."""
    def __init__(self):
        self.number, self.digest, self.vault, self.epoch = 0, bytes(32), None, 0
        self.root, self.root_before, self.keys, self.settings = None, None, {}, {}
        self.points, self.dropped, self.held, self.runs, self.condemned = {}, set(), set(), set(), {}
        self.swept = set()

    def signers(self):
        """Public key and rights by name of the key."""
        return self.keys | ({key_id(self.root): (self.root, 15)} if self.root else {})

    def add(self, record):
        """(13.10) Checks a record against this state, and applies it."""
        need(record.number == self.number + 1, f"record {record.number} in a wrong place")
        if record.number == 1:
            self.vault, self.root = record.vault, record.bodies[0][1]["root"]
        need(record.vault == self.vault, "of another vault")
        need(record.previous == self.digest, "it names another record before it")
        before, self.root_before = self.signers(), self.root
        public, rights = before.get(record.signer, (None, 0))
        need(public, "the signer was not admitted")
        need(verifies(public, record.signature, b"kura/record/2" + record.bytes[:-64]),
             "wrong signature")
        failovers = sum(kind == 17 for kind, _ in record.bodies)
        need(record.epoch == self.epoch + failovers and failovers <= 1, "wrong epoch")
        for kind, body in record.bodies:
            need(rights & RIGHTS[kind] == RIGHTS[kind], f"no right to a body of type {kind}")
            self.apply(kind, body, record)
        self.number, self.digest, self.epoch = record.number, record.digest, record.epoch
        self.check_decision(record, self.signers() | before)

    def check_decision(self, record, keys):
        public, rights = keys.get(record.decider, (None, 0))
        said = record.vault + struct.pack("<Q", record.number) + record.digest
        need(rights and verifies(public, record.decision, b"kura/decided/2" + said),
             "wrong decision")

    def apply(self, kind, body, record):
        if kind == 1:
            need(body["root"] == self.root, "another root key")
            self.name = body["name"]
        elif kind == 3:
            need(body["vault"] == self.vault, "a point of another vault")
            need(body["point"] not in self.points, "a point twice")
            self.points[body["point"]] = body
        elif kind == 4:
            self.runs |= {run for run, *_ in body["added"]}
            self.runs -= set(body["superseded"])
        elif kind in (5, 6, 7, 8, 9):
            self.apply_points(kind, body)
        elif kind == 14:
            self.settings[body["subject"]] = body["after"]
        elif kind == 16:
            self.apply_key(body, record)
        elif kind == 20:
            self.apply_rekey(body, record)
        elif kind in (10, 11, 12):
            self.apply_packs(kind, body, record)

    def apply_points(self, kind, body):
        named = set(body["points"])
        need(named <= set(self.points), "a point that is not there")
        holds = {(point, body.get("name")) for point in named}
        if kind == 5:
            need(not named & {point for point, _ in self.held}, "a point that is held")
            self.dropped |= named
        elif kind == 6:
            need(named <= self.dropped, "a point that is not dropped")
            self.dropped -= named
        elif kind == 7:
            need(named <= self.dropped, "a point that is not dropped")
            self.dropped -= named
            self.points = {p: body for p, body in self.points.items() if p not in named}
        elif kind == 8:
            self.held |= holds
        else:
            need(holds <= self.held, "a point without that hold")
            self.held -= holds

    def apply_packs(self, kind, body, record):
        for pack in body["packs"]:
            if kind == 10:
                need(pack not in self.swept, "a pack that is swept")
                self.condemned[pack] = record.number
            else:
                number = self.condemned.pop(pack, None)
                need(number is not None, "a pack that is not condemned")
                if kind == 12:
                    need(number == body["condemned"], "a pack of another condemnation")
                    self.swept.add(pack)

    def apply_key(self, body, record):
        if record.number == 1:
            need(body["signature"] == bytes(64), "a root signature in record 1")
        else:
            said = b"kura/key/2" + self.vault + record.previous + body["said"]
            need(verifies(self.root_before, body["signature"], said), "wrong root signature")
        if body["admitted"]:
            self.keys[body["id"]] = body["public"], body["rights"]
        else:
            self.keys.pop(body["id"], None)

    def apply_rekey(self, body, record):
        need(body["reason"] != 3, "a new root key that a person has to accept")
        said = b"kura/rekey/2" + self.vault + record.previous + body["said"]
        need(verifies(self.root_before, body["old"], said), "wrong signature of the old root key")
        need(verifies(body["root"], body["new"], said), "wrong signature of the new root key")
        self.root = body["root"]

def read_segment(data, first):
    """(13.8) Its records as bytes."""
    fields = Bytes(data)
    fields.header(b"KURASEGM")
    need(fields.number(2) == SEGMENT and fields.take(2) == b"\0\0", "wrong count")
    need(fields.number(8) == first, "wrong first number")
    lengths = [fields.number(4, 1, RECORD_MAX + 80) for _ in range(SEGMENT)]
    records = [fields.take(length) for length in lengths]
    need(fields.take(32) == sha256(data[:-32]), "wrong seal")
    fields.end()
    return records

def read_log(folder, show):
    """(13.10) The state of the vault in `folder`; calls `show` with each record. Votes are not
    looked at."""
    name = os.path.basename(os.path.abspath(folder))
    need(re.fullmatch("[0-9a-f]{32}", name), "the folder has no name of a vault")
    state = State()
    while True:
        number = state.number + 1
        first = state.number // SEGMENT * SEGMENT + 1
        segment, log = (os.path.join(folder, kind, f"{n:020}")
                        for kind, n in (("segment", first), ("log", number)))
        # The segment holds, whatever stands in log/.
        path = segment if os.path.exists(segment) else log
        if not os.path.exists(path):
            return state
        with open(path, "rb") as file:
            data = file.read()
        records = read_segment(data, first)[number - first:] if path == segment else [data]
        for number, data in enumerate(records, number):
            try:
                record = Record(data)
                state.add(record)
                need(state.vault.hex() == name, "the digest of record 1 is not the vault's id")
            except (Damage, TooNew, UnicodeDecodeError) as error:
                kind = TooNew if isinstance(error, TooNew) else Damage
                raise kind(f"record {number} in {path}: {error}") from error
            show(record)
