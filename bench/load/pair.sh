#!/usr/bin/env bash
# pair.sh [--bare] [--rounds N] [--secs N] [--build DIR] [PEER...]: two sidecars of one kind under load, beside other proxies.
# pair.sh --features [...]: what each of weft's features costs a request, as a ratio to weft without any.
# pair.sh --verdicts [...]: waits of one call at a time while another peer has verdicts on 500 operations made, and while not.
#
#     h2load --h2c--> A --mTLS h2--> B --h2c--> origin
#
# PEER is weft, haproxy or nghttpx (default: all that are installed).  Every peer plays A and B with one worker thread,
# TLS 1.3, AES-128-GCM and certificates of P-256; B demands A's certificate and A checks B's name.  Rounds are interleaved, every other one backwards.
# weft has everything on: a policy, contracts (another version, compatible), the access log, the admin side with its
# metrics; --bare: none of these.
#
# CPU per request (user and system time of A and B, /proc/PID/task/*/schedstat) is the figure to compare: it does not care what
# else the machine does.  Requests per second and waits do.  Needs h2load (nghttp2-client), haproxy (also the origin) and openssl.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=3 secs=5 build=build/release port=${WEFT_BENCH_PORT:-18300} peers=() mode=peers features=pcla
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --secs) secs=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    --bare) features=; shift ;;
    --features | --verdicts) mode=${1#--}; shift ;;
    weft | haproxy | nghttpx) peers+=("$1"); shift ;;
    *) echo "pair: unknown word $1" >&2; exit 2 ;;
  esac
done
bin=$(cd "$build" && pwd)/cli
for tool in h2load haproxy openssl; do
  command -v "$tool" >/dev/null || { echo "pair: apt-get install nghttp2-client haproxy openssl" >&2; exit 1; }
done
# Features are letters: p policy, c contracts, l access log, a admin.
declare -A with=([weft]=$features [bare]= [+policy]=p [+contract]=c [+log]=l [+all]=pcla)
[ "$mode" != features ] || peers=(bare +policy +contract +log +all)
[ "$mode" != verdicts ] || peers=(weft)
if [ ${#peers[@]} = 0 ]; then
  for peer in weft haproxy nghttpx; do
    [ "$peer" != weft ] && ! command -v "$peer" >/dev/null || peers+=("$peer")
  done
fi

run=$(mktemp -d)
a=$port b=$((port + 1)) origin=$((port + 2))
pids=()
end() { [ ${#pids[@]} = 0 ] || { kill -TERM "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }; pids=(); }
clean_up() { end; [ -z "${origin_pid:-}" ] || kill "$origin_pid" 2>/dev/null || true; wait; rm -rf "$run"; }
trap clean_up EXIT
start() { "$@" >>"$run/log" 2>&1 & pids+=($!); }
await() {
  local tries=0
  until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "pair: nothing listens at $1" >&2; cat "$run/log" >&2; exit 1; }
    sleep 0.05
  done
}

# --- identities: one CA, leaves with a SPIFFE ID and a DNS name --------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench -keyout "$run/ca.key" -out "$run/ca.pem" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
  -addext subjectAltName=URI:spiffe://bench.example 2>/dev/null
for name in a b c; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$run/$name.key" -out "$run/$name.csr" 2>/dev/null
  printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=URI:spiffe://bench.example/ns/bench/sa/%s,DNS:%s.bench.example\n' \
    "$name" "$name" >"$run/$name.ext"
  openssl x509 -req -in "$run/$name.csr" -CA "$run/ca.pem" -CAkey "$run/ca.key" -CAcreateserial -days 1 -extfile "$run/$name.ext" -out "$run/$name.pem" 2>/dev/null
  cat "$run/$name.pem" "$run/$name.key" >"$run/$name.both"
  chmod 600 "$run/$name.key" "$run/$name.both"
done

# --- who is compared -----------------------------------------------------------------------------------

contract() { # version
  cat <<'FACTS' | sed "s/VERSION/$1/"
contract("b", "VERSION").
operation("get_it"). http("get_it", "GET", "/{x}").
operation("post_it"). http("post_it", "POST", "/{x}").
response("get_it", "200", "application/json", "Thing").
request("post_it", "application/json", "Thing").
response("post_it", "200", "application/json", "Thing").
record("Thing").
field("Thing", "id", "string", "optional").
FACTS
}
policy() {
  cat <<'RULES'
allow :- peer_path("bench", "a"), op("get_it").
allow :- peer_path("bench", "a"), op("post_it").
allow :- peer_path("bench", "a"), method("GET").
allow :- peer_path("bench", "a"), method("POST").
RULES
}
has() { [[ ${with[$1]} = *"$2"* ]]; }

weft_pair() { # which of the peers that are weft
  mkdir -p "$run/policy"
  policy >"$run/policy/p.weft"
  contract 1.0.0 >"$run/consumed.weft"
  { contract 1.1.0; echo 'field("Thing", "more", "string", "optional").'; } >"$run/offered.weft"
  {
    cat <<YAML
service: a
identity: {cert: a.pem, key: a.key, trust: {bench.example: ca.pem}}
outbound: {listen: "127.0.0.1:$((port + 3))"}
services:
  b: {endpoints: ["127.0.0.1:$b"], identity: spiffe://bench.example/ns/bench/sa/b, local: "127.0.0.1:$a"}
YAML
    ! has "$1" c || echo "consumes: [consumed.weft]"
    ! has "$1" l || echo "log: {access: $run/a.access}"
    ! has "$1" a || echo "admin: {listen: \"127.0.0.1:$((port + 4))\"}"
  } >"$run/a.yaml"
  {
    cat <<YAML
service: b
identity: {cert: b.pem, key: b.key, trust: {bench.example: ca.pem}}
inbound: {listen: "127.0.0.1:$b", app: "h2c://127.0.0.1:$origin"}
YAML
    ! has "$1" c || echo "contract: ${offered:-offered.weft}"
    ! has "$1" p || echo "policy: [policy]"
    ! has "$1" l || echo "log: {access: $run/b.access}"
    ! has "$1" a || echo "admin: {listen: \"127.0.0.1:$((port + 5))\"}"
  } >"$run/b.yaml"
  rm -f "$run/a.access" "$run/b.access"
  start "$bin/weft-proxy" "$run/b.yaml"
  start "$bin/weft-proxy" "$run/a.yaml"
}
pair_of() { if [ -n "${with[$1]+is}" ]; then weft_pair "$1"; else "$1_pair"; fi; }

haproxy_global() {
  cat <<CONF
global
  nbthread 1
  tune.bufsize 65536
  tune.h2.initial-window-size 1048576
  tune.h2.max-concurrent-streams 256
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 10m
  timeout server 10m
CONF
}
haproxy_pair() {
  { haproxy_global; printf 'listen b\n  bind 127.0.0.1:%s ssl crt %s ca-file %s verify required curves P-256 alpn h2\n  server s 127.0.0.1:%s proto h2 pool-max-conn -1 max-reuse -1\n' \
    "$b" "$run/b.both" "$run/ca.pem" "$origin"; } >"$run/b.cfg"
  { haproxy_global; printf 'listen a\n  bind 127.0.0.1:%s proto h2\n  server s 127.0.0.1:%s ssl crt %s ca-file %s verify required sni str(b.bench.example) verifyhost b.bench.example alpn h2 proto h2 pool-max-conn -1 max-reuse -1\n' \
    "$a" "$b" "$run/a.both" "$run/ca.pem"; } >"$run/a.cfg"
  start haproxy -db -dMno-poison,no-tag,global -f "$run/b.cfg"
  start haproxy -db -dMno-poison,no-tag,global -f "$run/a.cfg"
}

nghttpx_pair() {
  local both=(--conf=/dev/null --workers=1 --single-process --no-via --no-add-x-forwarded-proto --no-server-rewrite
    --accesslog-file= --log-level=ERROR --tls-min-proto-version=TLSv1.3 --tls13-ciphers=TLS_AES_128_GCM_SHA256
    --tls13-client-ciphers=TLS_AES_128_GCM_SHA256 --tls-dyn-rec-warmup-threshold=0 --ecdh-curves=P-256
    --frontend-http2-max-concurrent-streams=256 --backend-http2-max-concurrent-streams=256
    --frontend-http2-window-size=1M --backend-http2-window-size=1M
    --frontend-http2-connection-window-size=16M --backend-http2-connection-window-size=16M)
  start nghttpx "${both[@]}" --frontend="127.0.0.1,$b" --backend="127.0.0.1,$origin;;proto=h2" \
    --verify-client --verify-client-cacert="$run/ca.pem" "$run/b.key" "$run/b.pem"
  start nghttpx "${both[@]}" --frontend="127.0.0.1,$a;no-tls" --backend="127.0.0.1,$b;;proto=h2;tls;sni=b.bench.example" \
    --cacert="$run/ca.pem" --client-cert-file="$run/a.pem" --client-private-key-file="$run/a.key"
}

{ haproxy_global; printf 'frontend origin\n  bind 127.0.0.1:%s proto h2\n  http-request wait-for-body time 1s if METH_POST\n  http-request return status 200 content-type text/plain string "%s"\n' \
  "$origin" "$(head -c 512 /dev/zero | tr '\0' x)"; } >"$run/origin.cfg"
haproxy -db -f "$run/origin.cfg" >"$run/log" 2>&1 &
origin_pid=$!
await "$origin"

# --- one round ---------------------------------------------------------------------------------------------

cpu_ns() { # of every thread of these processes
  local pid
  for pid in "$@"; do cat "/proc/$pid"/task/*/schedstat; done | awk '{ s += $1 } END { printf "%.0f", s }'
}
rss_kib() { awk '$1 == "VmRSS:" { s += $2 } END { print s }' $(printf '/proc/%s/status ' "$@"); }

# case, h2load's words: appends "peer case rps us-per-request p50-us p99-us rss-KiB rss-idle-KiB"
load() {
  local peer=$1 name=$2 before after
  shift 2
  before=$(cpu_ns "${pids[@]}")
  h2load -D "$secs" "$@" -t 1 --log-file="$run/times" "http://127.0.0.1:$a/x" >"$run/h2load" 2>&1
  sleep 0.2 # the last lines of an access log are somebody's work, too
  after=$(cpu_ns "${pids[@]}")
  awk -v bad="$(awk '$2 != 200 { n++ } END { print n + 0 }' "$run/times")" 'BEGIN { exit bad == 0 ? 0 : 1 }' ||
    { echo "pair: $peer gave answers that are not 200" >&2; cut -f2 "$run/times" | sort | uniq -c >&2; exit 1; }
  sort -n -k3 "$run/times" | awk -v peer="$peer" -v name="$name" -v secs="$secs" -v cpu=$((after - before)) -v rss="$(rss_kib "${pids[@]}")" -v idle="$idle" '
    { v[NR] = $3 }
    END {
      if (NR == 0) { print "pair: " peer " answered nothing" > "/dev/stderr"; exit 1 }
      printf "%s %s %.0f %.2f %d %d %d %d\n", peer, name, NR / secs, cpu / NR / 1000, v[int((NR + 1) / 2)], v[int((NR * 99 + 99) / 100)], rss, idle
    }' >>"$run/figures"
  rm -f "$run/times"
}

begin() { # the pair answers, its contracts are judged and that is over: then it is idle
  pair_of "$1"
  await "$b"
  await "$a"
  h2load -n 1 "http://127.0.0.1:$a/x" >/dev/null 2>&1
  sleep 0.5
  idle=$(rss_kib "${pids[@]}")
  h2load -n 2000 -c 8 -m 32 "http://127.0.0.1:$a/x" >/dev/null 2>&1
}

# --- verdicts of others ---------------------------------------------------------------------------------

many_operations() { # version
  contract "$1"
  awk 'BEGIN { for (i = 1; i <= 500; i++) {
    printf "operation(\"op%d\"). http(\"op%d\", \"POST\", \"/r%d/{id}\"). record(\"T%d\").\n", i, i, i, i
    printf "request(\"op%d\", \"application/json\", \"T%d\"). response(\"op%d\", \"200\", \"application/json\", \"T%d\").\n", i, i, i, i
    for (k = 1; k <= 5; k++) printf "field(\"T%d\", \"m%d\", \"string\", \"optional\").\n", i, k
  } }'
}

show() { # a contract file to B, as anybody who is trusted may
  curl -sf --http2 --resolve "b.bench.example:$b:127.0.0.1" --cacert "$run/ca.pem" --cert "$run/c.pem" --key "$run/c.key" -o /dev/null \
    -X PUT -H 'content-type: application/vnd.weft.contract' --data-binary "@$1" \
    "https://b.bench.example:$b/.well-known/weft/contracts/$(cat "$1.digest")"
}

# Shows four contracts a second for as long as a load lasts; `$1`: each is another one, so that a verdict is due.
visit() {
  local n=0 file
  while [ $n -lt $((4 * secs)) ]; do
    file=$run/shown.$([ "$1" = another ] && echo $((visits + n)) || echo 0)
    show "$file" || echo "pair: B did not take $file" >&2
    n=$((n + 1))
    sleep 0.25
  done
}

verdict_round() {
  local name visitor
  offered=many.weft begin weft
  show "$run/shown.0"
  sleep 0.5
  for name in quiet uploads verdicts; do
    visitor=
    [ $name = quiet ] || { visit "$([ $name = uploads ] && echo same || echo another)" & visitor=$!; }
    load weft $name -c 1 -m 1
    [ -z "$visitor" ] || wait "$visitor"
  done
  judged=$(curl -s "http://127.0.0.1:$((port + 5))/contracts" | tr '{' '\n' | grep -c '"consumer_digest"' || true)
  visits=$((visits + 4 * secs))
  end
}

verdicts() {
  command -v curl >/dev/null || { echo "pair: apt-get install curl" >&2; exit 1; }
  local n
  visits=1
  { many_operations 2.0.0; echo 'field("T1", "more", "string", "optional").'; } >"$run/many.weft"
  for n in $(seq 0 $((4 * secs * rounds))); do
    many_operations "1.0.$n" >"$run/shown.$n"
    "$bin/weft" check "$run/shown.0" "$run/shown.$n" --format json | sed -n 's/.*"digest": *"\([^"]*\)".*/\1/p' | tail -1 >"$run/shown.$n.digest"
  done
  for round in $(seq "$rounds"); do verdict_round; done
  echo "One call at a time, $rounds rounds of $secs s; medians.  uploads: another peer shows B a contract of 500 operations four
times a second, always the same; verdicts: each time another one, and B judges it ($judged pairs at the end of a round)."
}

head -c 1024 /dev/zero | tr '\0' x >"$run/1k"
if [ $mode = verdicts ]; then
  verdicts
  cases=(quiet uploads verdicts) rounds=0
else
  cases=(many post paced one)
fi
for round in $(seq "$rounds"); do
  order=("${peers[@]}")
  [ $((round % 2)) = 1 ] || order=($(printf '%s\n' "${peers[@]}" | tac))
  for peer in "${order[@]}"; do
    begin "$peer"
    load "$peer" many -c 8 -m 32
    load "$peer" post -c 8 -m 32 -d "$run/1k"
    load "$peer" paced -c 8 -m 10 --rps 250
    load "$peer" one -c 1 -m 1
    end
  done
done

[ $mode = verdicts ] || echo "GET of 512 bytes, $rounds rounds of $secs s; medians; many: 8 connections x 32 streams, post: the same with
1 KiB to the function, paced: 2,000 requests a second over 8 connections, one: one at a time.
ratio: CPU to that of ${peers[0]} in the same round; MiB of memory of both proxies, idle and after the case."
printf '%-9s %-8s %8s %11s %8s %6s %7s %7s %9s %9s\n' peer case req/s CPU-us/req spread-% ratio p50-us p99-us idle-MiB then-MiB
for name in "${cases[@]}"; do
  for peer in "${peers[@]}"; do
    awk -v first="${peers[0]}" -v peer="$peer" -v name="$name" '
      function sort_up(v, n,   i, j, t) {
        for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      }
      function median(column,   i, v) {
        for (i = 1; i <= n; i++) v[i] = column == 0 ? row[i, 4] / base[i] : row[i, column]
        sort_up(v, n)
        low = v[1]; high = v[n]
        return v[int((n + 1) / 2)]
      }
      $1 == first && $2 == name { base[++bases] = $4 }
      $1 == peer && $2 == name { n++; for (i = 3; i <= NF; i++) row[n, i] = $i }
      END {
        us = median(4); spread = (high - low) * 100 / us
        printf "%-9s %-8s %8d %11.2f %8.1f %6.3f %7d %7d %9.1f %9.1f\n", peer, name, median(3), us, spread, median(0),
          median(5), median(6), median(8) / 1024, median(7) / 1024
      }' "$run/figures"
  done
done
