#!/usr/bin/env bash
# mcap 1.6.0: of a recording whose writer did not come to its end, both readers give no message at all.
#
# One would guess: the format is made of chunks, so what stands in whole chunks can be read, and only the last one is lost.
#
# What happens: `make_reader` looks for the index at the end and takes what is there for a record; `NonSeekingReader` reads
# all chunks but sorts before it gives anything, meets the end of the file first, and gives nothing either. Only
# `NonSeekingReader` with `log_time_order=False` gives the messages of the whole chunks before it raises.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check mcap==1.6.0
cat >unfinished.py <<'PY'
import mcap
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, make_reader
from mcap.writer import Writer

COUNT = 1000
file = open("run.mcap", "wb")
writer = Writer(file)
writer.start()
schema = writer.register_schema(name="text", encoding="jsonschema", data=b"{}")
channel = writer.register_channel(topic="words", message_encoding="json", schema_id=schema)
for number in range(COUNT):
    writer.add_message(channel, log_time=number, publish_time=number, data=b'"' + b"x" * 3000 + b'"')
file.flush()  # what is on the disk when a program is killed here


def messages(reader, in_order):
    count = 0
    try:
        for _ in reader(open("run.mcap", "rb")).iter_messages(log_time_order=in_order):
            count += 1
    except McapError as error:
        print(f"{reader.__name__}, log_time_order={in_order}: {count} messages, then {type(error).__name__}")
    return count


print("mcap", mcap.__version__)
assert messages(make_reader, True) == messages(make_reader, False) == 0
assert messages(NonSeekingReader, True) == 0
assert 0 < messages(NonSeekingReader, False) < COUNT
writer.finish()
file.close()
whole = messages(make_reader, True)
print(f"after writer.finish(): {whole} messages")
assert whole == COUNT
PY
venv/bin/python unfinished.py
echo "as described"
