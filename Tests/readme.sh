#!/bin/sh
# Runs the examples of README.md, or of a page of the guide, and prints it with their
# real output.
#
# An example is a line of a code block that begins with "$ ", and the lines that
# the shell needs to complete it; what follows in the block is its output.
# Usage: readme.sh TOOL DIRECTORY [FILE]; DIRECTORY holds matrix.db.
set -eu

tool=$(realpath "$1")
directory=$(realpath "$2")
page=${3:-README.md}
cd "$(dirname "$0")/.."
mkdir -p "$directory/bin"
ln -sf "$tool" "$directory/bin/dmamatrix"
export directory

awk '
function run(  line, command) {
  close(script)
  command = "cd " d " && PATH=" d "/bin:$PATH NO_COLOR=1 sh " script " 2>&1 </dev/null"
  while ((command | getline line) > 0) print (line == "" ? "" : "    " line)
  close(command)
  in_output = 1
}
function complete() {
  close(script)
  return system("sh -n " script " 2>/dev/null") == 0
}
BEGIN { d = ENVIRON["directory"]; script = d "/example.sh" }
in_command {
  print
  print substr($0, 5) >> script
  if ($0 !~ /\\$/ && complete()) { in_command = 0; run() }
  next
}
/^    \$ / {
  if (in_output && blanks) print ""
  in_output = 0; blanks = 0
  print
  text = substr($0, 7)
  print text > script
  if (text !~ /\\$/ && complete()) run(); else in_command = 1
  next
}
in_output && /^$/ { blanks++; next }
in_output && /^    / { next }
in_output { print ""; in_output = 0; blanks = 0 }
{ print }
' "$page"
