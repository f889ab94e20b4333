# SPDX-License-Identifier: Apache-2.0
# Speaks HTTP/1.1 on standard input and output until the caller hangs up or is silent for 60 s.
# The model: a name with five or more consonants in a row was hardly chosen by a person.
LC_ALL=C

longest_consonant_run() {
  local name=${1,,} run longest=0
  name=${name%.*}
  for run in ${name//[^bcdfghjklmnpqrstvwxz]/ }; do
    ((${#run} > longest)) && longest=${#run}
  done
  echo "$longest"
}

url_decode() {
  local text=${1//+/ }
  text=${text//\\/\\\\}
  printf '%b' "${text//%/\\x}"
}

parameter() { # NAME QUERY
  local pair
  local -a pairs
  IFS='&' read -r -a pairs <<<"$2"
  for pair in "${pairs[@]}"; do
    [[ ${pair%%=*} == "$1" ]] && url_decode "${pair#*=}" && return
  done
}

reply() { # STATUS BODY
  printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "$1" "${#2}" "$2"
}

while IFS=' ' read -r -t 60 method target _; do
  body_length=0 last=
  while IFS= read -r -t 60 header && [[ $header != $'\r' ]]; do
    header=${header,,}
    [[ $header =~ ^content-length:\ *([0-9]{1,9}) ]] && body_length=$((10#${BASH_REMATCH[1]}))
    [[ $header =~ ^connection:\ *close ]] && last=1
  done
  ((body_length)) && head -c "$body_length" >/dev/null
  path=${target%%\?*}
  query=${target#"$path"}
  host=$(parameter host "${query#\?}")
  if [[ $method != GET && $method != POST ]] || [[ $path != /apply ]]; then
    reply '404 Not Found' '{"error":"ask for /apply?host=NAME"}'
  elif [[ -z $host ]]; then
    reply '400 Bad Request' '{"error":"the argument host is missing"}'
  else
    run=$(longest_consonant_run "$host")
    verdict=legit
    ((run >= 5)) && verdict=malicious
    reply '200 OK' "{\"is_malicious\":\"$verdict\",\"longest_consonant_run\":$run}"
  fi
  [[ -n $last ]] && break
done
