"""Each page damaged in turn, and the file cut at each."""

import shutil

from subject import content, require

PAGE = 4096


def pages(subject):
    """Damage is said, and never a crash or a wrong answer."""
    whole = subject.observed.read_bytes()
    count = len(whole) // PAGE
    damaged = subject.work / "damaged.db"
    queries = (
        "SELECT kernel, verdict, count(*) FROM behavior GROUP BY 1, 2",
        "SELECT kernel, result, scenario, count(*) FROM observed GROUP BY 1, 2, 3")
    answers = [subject.run("query", "-d", subject.observed, query, "--timeout", "0")[1]
               for query in queries]

    def said(data, must_be_found=True):
        damaged.write_bytes(data)
        chosen_query = subject.chance.choice(queries)
        status, _, _ = subject.run("info", "--check", "-d", damaged, status=(0, 1, 2))
        require(not (must_be_found and status == 0), "damage was not found")
        for query, answer in zip(queries, answers):
            # A query may fail, and says so; only what the check passes must be right.
            if status and query != chosen_query:
                continue
            queried, output, _ = subject.run(
                "query", "-d", damaged, query, "--timeout", "0", status=(0, 1, 2))
            if status == 0:
                require(queried == 0 and output == answer, "a wrong answer passed the check")
        return status != 0

    chosen = range(0, count, subject.times(1, max(1, count // 4)))
    kinds = {
        "cut before it": lambda at, bit: whole[:at],
        "cut in it": lambda at, bit: whole[:at + 1 + bit // 8],
        "zeros": lambda at, bit: whole[:at] + bytes(PAGE) + whole[at + PAGE:],
        "noise": lambda at, bit:
            whole[:at] + subject.chance.randbytes(PAGE) + whole[at + PAGE:],
        "another page": lambda at, bit: whole[:at] + other(whole, at) + whole[at + PAGE:],
        "a turned bit": lambda at, bit: turned(whole, at * 8 + bit),
    }
    for name, damage in kinds.items():
        found = 0
        for page in chosen:
            at = page * PAGE
            bit = subject.chance.randrange((PAGE - 1) * 8)
            found += said(damage(at, bit), name != "a turned bit")
        rest = "" if found == len(chosen) else \
            f"; {len(chosen) - found} where no value is, every answer right"
        yield f"pages: {name}", len(chosen), f"{found} said by info --check{rest}"
    grown = subject.times(20, 2)
    for number in range(grown):
        said(whole + bytes(PAGE * number) + b"x" * (number + 1))
    yield "pages: more at the end", grown, f"{grown} said by info --check"
    yield written(subject, whole, count)


def other(whole, at):
    """The page after, which is sound, but in the wrong place."""
    page = whole[at + PAGE:at + 2 * PAGE] or whole[:PAGE]
    return page if page != whole[at:at + PAGE] else bytes(PAGE)


def turned(whole, bit):
    data = bytearray(whole)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def written(subject, whole, count):
    """Writers given a damaged file: observe refuses it, generate keeps it aside."""
    times = subject.times(100, 4)
    folder = subject.work / "damage"
    folder.mkdir()
    file = folder / "matrix.db"
    sound = content(subject.new), content(subject.observed)
    aside = 0
    for turn in range(times):
        at = subject.chance.randrange(1, count) * PAGE
        data = whole[:at] + subject.chance.randbytes(PAGE) + whole[at + PAGE:]
        if turn % 4 == 0:
            data = whole[:at]
        file.write_bytes(data)
        subject.run("observe", subject.logs[0], "-d", file, status=(1, 2))
        require(file.read_bytes() == data, "observe changed a damaged database")
        _, _, error = subject.run("generate", "--quiet", "-d", file,
                                  "--platform", "x86-sme47", "--kernel", "v6,v7")
        subject.sound(file)
        copies = [path for path in folder.iterdir() if path != file]
        if copies:
            require(copies[0].read_bytes() == data and "was damaged" in error, error)
            aside += 1
        require(content(file) in sound, "generate made another file of a damaged one")
        require(copies or content(file) == sound[1], "observations were lost")
        shutil.rmtree(folder)
        folder.mkdir()
    return "pages: damaged, then written", times, \
        f"observe refused each; generate kept {aside} beside the new file"
