#!/usr/bin/env bash
# dags/demo.sh [once]: Airflow with the DAGs of this folder, on the census example, and a run for one of its days.
# It goes on until it is interrupted; with "once" it ends with that run, and fails if that did.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-8080} dag=scheduled_model_validation run="demo-$(date +%s)" date=2026-11-16
export AIRFLOW_HOME=$PWD/out/airflow ASSAY_PYTHON=$PWD/.venv/bin/python PATH=$PWD/.venv-airflow/bin:$PATH
export AIRFLOW__CORE__DAGS_FOLDER=$PWD/dags AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=True AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS=True
export AIRFLOW__CORE__PARALLELISM=3 AIRFLOW__API__WORKERS=1 AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__PORT=$port
export AIRFLOW__API__BASE_URL=http://127.0.0.1:$port
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$port/execution/
# Readers and writers of SQLite get in each other's way for longer than the usual 5 s.
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="sqlite:///$AIRFLOW_HOME/airflow.db?timeout=60"
export NO_PROXY='*' no_proxy='*'
log=$AIRFLOW_HOME/standalone.log

mkdir -p "$AIRFLOW_HOME"
setsid airflow standalone >"$log" 2>&1 &
airflow=$!
trap 'kill -TERM -- "-$airflow" 2>/dev/null; wait "$airflow" 2>/dev/null || true' EXIT

echo "Airflow starts: about a minute. What it says: $log"
for _ in $(seq 180); do
  curl --silent --fail "http://127.0.0.1:$port/api/v2/version" >/dev/null && break
  kill -0 "$airflow" 2>/dev/null || { tail -20 "$log" >&2; exit 1; }
  sleep 1
done
token=$(curl --silent "http://127.0.0.1:$port/auth/token" | python -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
call() { # METHOD PATH [BODY]
  curl --silent --fail --request "$1" "http://127.0.0.1:$port/api/v2/dags/$dag$2" --header "Authorization: Bearer $token" \
    --header "Content-Type: application/json" ${3:+--data "$3"}
}
until call PATCH "" '{"is_paused": false}' >/dev/null; do sleep 1; done # once the file was parsed
call POST /dagRuns "{\"dag_run_id\": \"$run\", \"logical_date\": null, \"conf\": {\"date\": \"$date\"}}" >/dev/null
echo "A run for $date: http://127.0.0.1:$port/dags/$dag/runs/$run"
[[ ${1:-} == once ]] || { echo "Interrupt to end Airflow."; wait "$airflow"; exit; }

for _ in $(seq 100); do
  state=$(call GET "/dagRuns/$run" | python -c 'import json, sys; print(json.load(sys.stdin)["state"])')
  case $state in
    success) echo "$dag: $state; results: examples/census/out/results/$date"; exit ;;
    failed) echo "$dag: $state; logs: $AIRFLOW_HOME/logs" >&2; exit 1 ;;
  esac
  sleep 3
done
echo "$dag: still $state after five minutes" >&2
exit 1
