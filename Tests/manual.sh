#!/bin/sh
# Prints the manual page: the reference of "dmamatrix manual" with the tasks of
# README.md before it.
# Usage: manual.sh TOOL README
set -eu

tool=$1
readme=$2

tasks() {
  awk '
  function escaped(text) {
    gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text)
    if (text ~ /^[.\047]/) text = "\\&" text
    return text
  }
  function inline(text) {
    text = escaped(text)
    gsub(/!\[[^]]*\]\([^)]*\)/, "", text)
    gsub(/\*\*/, "", text)
    while (match(text, /`[^`]*`/))
      text = substr(text, 1, RSTART - 1) "\\fB" substr(text, RSTART + 1, RLENGTH - 2) "\\fR" \
        substr(text, RSTART + RLENGTH)
    return text
  }
  # Enters or leaves a block that is kept as it is.
  function verbatim(is) {
    if (is && !inside) print ".PP\n.EX"
    if (is && inside && blank) print ""
    if (!is && inside) print ".EE"
    if (!is && blank) print ".PP"
    inside = is
    blank = 0
  }
  /^## / {
    blank = 0
    verbatim(0)
    skipped = ($0 == "## Commands")
    if (!skipped) print ".SS " inline(substr($0, 4))
    next
  }
  /^# / || skipped || /^!\[/ { next }
  /^    / { verbatim(1); print escaped(substr($0, 5)); next }
  /^\|/ { verbatim(1); print escaped($0); next }
  /^$/ { blank = 1; next }
  { verbatim(0); print inline($0) }
  ' "$readme"
}

"$tool" manual | awk '/^\.SH COMMANDS$/ { exit } { print }'
echo '.SH TASKS'
tasks
"$tool" manual | awk '/^\.SH COMMANDS$/ { found = 1 } found'
