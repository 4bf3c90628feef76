#!/bin/sh
# An adapter for the static tier in shell: a worked example for porting teams, see ../ADAPTER.md.
#
# It plays a port that knows a dozen rules, written as jq programs below. A real adapter would hand the
# configuration to the port's own checker at the place marked PORT, and map its messages to findings.
# Needs: a POSIX shell and jq.

RULES='
def error($code; $path; $message): {severity: "error", code: $code, path: $path, message: $message};
def warning($code; $path; $message): {severity: "warning", code: $code, path: $path, message: $message};

def name_rule($path; $max; $allowed):
  . as $name
  | if ($name | utf8bytelength) == 0 then error("E_LENGTH"; $path; "an empty name") else empty end,
    if ($name | utf8bytelength) > $max then error("E_LENGTH"; $path; "more than \($max) bytes") else empty end,
    if $name != "" and ($name | test($allowed) | not)
    then error("E_CHARSET"; $path; "a character that is not allowed") else empty end;

def length_rule($path; $max):
  if (. // "" | utf8bytelength) > $max then error("E_LENGTH"; $path; "more than \($max) bytes") else empty end;

def count_rule($path; $max): if length > $max then error("E_LIMIT"; $path; "more than \($max)") else empty end;

def unique_rule($path):
  (map(ascii_downcase) | group_by(.) | map(select(length > 1)) | .[])
  | error("E_DUP"; $path; "\(.[0]) is in use already");

def devices: "^(con|prn|aux|nul|com[1-9]|lpt[1-9])$";

def findings:
  .cluster as $cluster | (.servers // []) as $servers | (.groups // []) as $groups
  | (.mirror_sets // []) as $sets | (.accounts // []) as $accounts
  | [$groups[] | .resources // [] | .[]] as $resources
  | [$sets[] | .partitions // [] | .[]] as $partitions
  | ($cluster.name // "" | name_rule("cluster.name"; 15; "^[A-Za-z0-9_-]+$")),
    ($cluster.password | length_rule("cluster.password"; 15)),
    ($servers[] | .name // "" | name_rule("servers.name"; 15; "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$")),
    ([$servers[] | .name // ""] | unique_rule("servers.name")),
    (if ($sets | length) > 0 and ($servers | length) != 2
     then error("E_TOPOLOGY"; "servers"; "a mirror set needs two servers") else empty end),
    ((.networks // [])[] | .name // ""
     | if . == "" then error("E_LENGTH"; "networks.name"; "an empty name") else length_rule("networks.name"; 31) end),
    ($groups | count_rule("groups"; 64)),
    ($groups[] | .name // "" | name_rule("groups.name"; 15; "^[A-Za-z0-9_-]+$")),
    ([$groups[] | .name // ""] | unique_rule("groups.name")),
    ($groups[] | select(.name // "" | ascii_downcase | test(devices))
     | warning("W_RESERVED"; "groups.name"; "\(.name) is a device name: the group will not start")),
    ($groups[] | select((.startup // "automatic") | IN("automatic", "manual") | not)
     | error("E_RANGE"; "groups.startup"; "neither automatic nor manual")),
    ($groups[] | select((.failover // "normal") | IN("normal", "exclusive") | not)
     | error("E_RANGE"; "groups.failover"; "neither normal nor exclusive")),
    ($groups[] | select(.failover == "exclusive")
     | warning("W_EXCLUSIVE"; "groups.failover"; "with two servers there will be no failover mostly")),
    ($sets | count_rule("mirror_sets"; 8)),
    ($sets[] | select((.partitions // []) | length == 0)
     | error("E_PARTITION"; "mirror_sets.partitions"; "no data partition")),
    ($partitions | count_rule("mirror_sets.partitions"; 23)),
    ($partitions[] | select(.number == 1) | error("E_RESERVED"; "mirror_sets.partitions.number"; "CLUSTER")),
    ([$partitions[] | .letter // empty] | unique_rule("mirror_sets.partitions.letter")),
    ([$servers[] | .system_letter // "C" | ascii_upcase] as $system
     | $partitions[] | .letter // empty
     | if test("^[A-Za-z]$") | not then error("E_CHARSET"; "mirror_sets.partitions.letter"; "no letter")
       elif ascii_upcase | IN("A", "B", $system[]) then error("E_RESERVED"; "mirror_sets.partitions.letter"; .)
       else empty end),
    ([$resources[] | select(.kind == "floating_ip")] | count_rule("floating_ips"; 64)),
    ([$resources[] | select(.kind == "floating_ip") | .address] | unique_rule("floating_ips.address")),
    ($accounts | count_rule("accounts"; 16)),
    ($accounts[] | .name // "" | length_rule("accounts.name"; 31)),
    ($accounts[] | select(.name == "") | error("E_LENGTH"; "accounts.name"; "an empty name")),
    ($accounts[] | .password | length_rule("accounts.password"; 31));
'
VERBS='
def answer($id): {id: $id, ok: true, result: .};
def refuse($id; $kind; $code; $message): {id: $id, ok: false, error: {kind: $kind, code: $code, message: $message}};

if type != "object" then refuse(null; "failed"; "E_SYNTAX"; "the line is no JSON object")
else .id as $id | (.args // {}) as $args
| if .verb == "describe" then
    {contract: 0, port: "example", version: "0", capabilities: [], tiers: {static: ""}} | answer($id)
  elif .verb == "validate" then
    # PORT: here a real adapter asks the port.
    [$args.config | findings] | {accepted: all(.[]; .severity != "error"), findings: .} | answer($id)
  elif .verb == "estimate" and $args.what == "memory" then
    {max_io_kib: ($args.max_io_kib // 64), max_io_count: ($args.max_io_count // 64)}
    | . + {memory_kib: ((.max_io_kib * (.max_io_count + 64) + 1024) * 2)} | answer($id)
  elif .verb == "teardown" then {} | answer($id)
  else refuse($id; "unsupported"; ""; "no verb \(.verb)") end
end
'

while IFS= read -r line; do
    printf '%s\n' "$line" | jq -c "$RULES$VERBS" 2>/dev/null ||
        printf '%s\n' '{"id": null, "ok": false, "error": {"kind": "failed", "code": "E_SYNTAX", "message": "the line is no JSON object"}}'
done
