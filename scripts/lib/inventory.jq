# How the inventories make a node of what they find. The limits are those of register-node in docs/API.md.

# Without control characters and outer blanks.
def clean: tostring | gsub("\\p{Cc}+"; " ") | sub("^\\s+"; "") | sub("\\s+$"; "");

# At most $max characters; null if nothing is left.
def text($max): clean | .[:$max] | sub("\\s+$"; "") | if . == "" then null else . end;

# Eight digits that tell two names apart, the same wherever they are computed. 4294967291 is a prime of 32 bits.
def digest:
  reduce explode[] as $char (7; (. * 65599 + $char) % 4294967291)
  | . as $sum
  | [range(7; -1; -1) | "0123456789abcdef"[($sum / pow(16; .) | floor) % 16:][:1]]
  | add;

# A part of a hostname. A name that must be changed to be one ends with its digest: `Web 1` and `web-1` stay two.
def part($max):
  . as $name
  | (ascii_downcase | gsub("[^a-z0-9_.-]+"; "-") | gsub("[.]{2,}"; ".") | sub("^[.-]+"; "") | sub("[.]+$"; ""))
  | . as $plain
  | if $plain == $name and $plain != "" and ($plain | length) <= $max then $plain
    else [($plain[:$max - 9] | sub("[.-]+$"; "")), ($name | digest)] | map(select(. != "")) | join("-")
    end;

# The name as a hostname, with what it is unique in after it: parts, "" for none.
def hostname($within):
  ($within | map(select(. != "")) | join(".")) as $tail
  | if $tail == "" then part(253) else part(252 - ($tail | length)) + "." + $tail end;

# Without what says nothing.
def facts: with_entries(select(.value | . != null and . != "" and . != [] and . != {}));

# What in a list says something.
def said: map(select(. != null and . != ""));

# `key=value`, or the key alone.
def pairs: to_entries[] | if .value == null or .value == "" then .key else "\(.key)=\(.value)" end;

# A tag that is too long is left out: cut, it would be another.
def tags:
  reduce (.[] | clean | select(. != "" and length <= 64)) as $tag ([];
    if any(.[]; . == $tag) then . else . + [$tag] end)
  | .[:50];

# At most 15 KB of the 16 KiB that there may be; the largest facts go first, and are named.
def meta:
  {kept: facts, left_out: []}
  | until((.kept | tojson | utf8bytelength) <= 15000;
      (.kept | to_entries | max_by(.value | tojson | utf8bytelength).key) as $largest
      | del(.kept[$largest])
      | .left_out += [$largest])
  | .kept + ({left_out} | facts);

# The node of that name, of an object with `ip_address`, `os`, `tags` and `meta`. `meta` has the name as it is.
def node($kind; $name; $hostname):
  {hostname: $hostname, name: (($name | text(100)) // $hostname), kind: $kind, ip_address, os: (.os // "" | text(100))}
  + {tags: (.tags | tags), meta: ({name: $name} + .meta | meta)}
  | del(.ip_address, .os | select(. == null or . == ""));

# Two nodes of one hostname would write over each other by turns.
def each_once:
  (group_by(.hostname) | map(select(length > 1)) | first) as $same
  | if $same == null then .[]
    else "two have the hostname \($same[0].hostname): \($same[0].name) and \($same[1].name); rename one\n"
      | halt_error(1)
    end;

# A line for each three that are read: the node, the status of its last answer (000: there was none), the answer.
def outcomes:
  inputs as $line | input as $status | input as $answer
  | ($line | fromjson) as $node
  | ([$answer | fromjson? | objects] | first) as $said
  | ($node.hostname + if $node.hostname | startswith($node.name) then "" else " (\($node.name))" end) as $who
  | if ($status | startswith("2")) and $said then
      ($said.outcome // (if $status == "201" then "created" else "updated" end)) as $outcome
      | if $outcome == "created" or $outcome == "unchanged" then $outcome else "updated" end
      | "\(.) \($who)"
    elif $said.detail then
      ([$said.errors[]? | "\(.pointer // .parameter // "") \(.detail // "")"] | join("; ")) as $errors
      | "failed \($who): \($said.detail)\(if $errors == "" then "" else " \($errors)" end) (\($said.code // $status))"
    elif $status == "000" then "failed \($who): no answer: \($answer)"
    elif ($status | startswith("2")) then "failed \($who): what answers with \($status) is no Muster"
    else "failed \($who): answered with \($status)\(if $said.message then ": \($said.message)" else "" end)"
    end
  | clean[:1000];
