#!/usr/bin/env bash
# startup.sh [BUILD]: what weft costs before it does anything: cold start to ready, memory when idle, sizes, libraries.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "${1:-build/release}" && pwd)
bin=$build/cli
rounds=${ROUNDS:-10}
port=${WEFT_BENCH_PORT:-18200}
run=$(mktemp -d)
pids=()
clean_up() { [ ${#pids[@]} = 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$run"; }
trap clean_up EXIT

"$bin/weft" ca init bench.example --dir "$run/certs" >/dev/null
for name in orders broker; do
  "$bin/weft" ca issue "spiffe://bench.example/ns/bench/sa/$name" --dir "$run/certs" --out "$run/certs/$name" --ttl 1h >/dev/null
done
identity() { echo "{cert: certs/$1.pem, key: certs/$1.key, trust: {bench.example: certs/ca.pem}}"; }
cp examples/demo/orders-*.weft "$run"
cat >"$run/proxy.yaml" <<YAML
service: orders
identity: $(identity orders)
inbound: {listen: "127.0.0.1:$port", app: "http://127.0.0.1:$((port + 1))"}
contract: orders-2.weft
admin: {listen: "127.0.0.1:$((port + 2))"}
YAML
cat >"$run/broker.yaml" <<YAML
bus: 127.0.0.1:$((port + 3))
https: 127.0.0.1:$((port + 4))
identity: $(identity broker)
data: jobs
admin: {listen: "127.0.0.1:$((port + 5))"}
YAML

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
now_us() { local t=$EPOCHREALTIME; echo $((10#${t/[.,]/})); }
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start_of() { # program config admin-port: milliseconds from exec to an admin side that answers
  local began
  began=$(now_us)
  "$bin/$1" "$run/$2" 2>"$run/$1.log" &
  pids=($!)
  until answers "$3"; do :; done
  awk -v us=$(($(now_us) - began)) 'BEGIN { printf "%.1f\n", us / 1000 }'
  end
}
end() { kill -TERM "${pids[@]}"; wait "${pids[@]}" 2>/dev/null || true; pids=(); }
status_of() { awk -v key="$2:" '$1 == key { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }

printf '%-13s %10s %10s %12s %10s\n' program start-ms RSS-MiB RssAnon-MiB size-KiB
measure() { # program config admin-port
  local start
  start=$(for _ in $(seq "$rounds"); do start_of "$@"; done | median)
  "$bin/$1" "$run/$2" 2>"$run/$1.log" &
  pids=($!)
  until answers "$3"; do :; done
  sleep 1
  strip -o "$run/stripped" "$bin/$1"
  printf '%-13s %10s %10s %12s %10s\n' "$1" "$start" "$(status_of "${pids[0]}" VmRSS)" \
    "$(status_of "${pids[0]}" RssAnon)" "$(($(stat -c %s "$run/stripped") / 1024))"
  end
}
measure weft-proxy proxy.yaml $((port + 2))
measure weft-broker broker.yaml $((port + 5))

echo
began=$(now_us)
for _ in $(seq "$rounds"); do "$bin/weft" check "$run/orders-1.weft" "$run/orders-2.weft" >/dev/null || true; done
awk -v us=$(($(now_us) - began)) -v n="$rounds" 'BEGIN { printf "weft check, the demo pair: %.1f ms\n", us / n / 1000 }'
echo
for program in weft-proxy weft-broker weft; do
  printf '%s: %s\n' "$program" "$(ldd "$bin/$program" | awk '{ sub(".*/", "", $1); printf "%s ", $1 }')"
done
