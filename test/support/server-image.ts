import { makeScriptImage } from './script-image.ts'

const PLACE = '/opt/server'

/** `vllm serve MODEL --host HOST --port PORT`: loads for a second, then answers every request with its list of models. */
const SERVER = `#!/bin/sh
export MODEL=$2
while [ $# -gt 0 ]; do [ "$1" = --port ] && port=$2; shift; done
echo "loading $MODEL" >&2
sleep 1
exec nc -ll -p "$port" -e ${PLACE}/answer`

const ANSWER = `#!/bin/sh
while read -r line; do [ "$line" = "$(printf '\\r')" ] && break; done
body="{\\"data\\":[{\\"id\\":\\"$MODEL\\"}]}"
printf 'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s' "\${#body}" "$body"`

/** Makes an image with a stand-in for a model's server, or undefined where this machine lacks a static busybox. */
export const makeServerImage = (name: string): Promise<string | undefined> =>
  makeScriptImage(name, PLACE, { vllm: SERVER, answer: ANSWER })
