import { makeScriptImage } from './script-image.ts'

/** On no path but the image's own: where PATH is /bin, there is no Jupyter. */
const PLACE = '/opt/jupyter'

/** Takes the options and the variable of the real one; busy for a second before it listens, on all addresses. */
const SERVER = `#!/bin/sh
for word; do
  case $word in --port=*) port=\${word#*=} ;; esac
done
echo "a stand-in starts in $PWD" >&2
[ "$JUPYTER_TOKEN" ] && [ ! "$JUPYTER_BROKEN" ] || { echo 'no module named jupyterlab' >&2; exit 3; }
sleep 1
nc -ll -p "$port" -e ${PLACE}/answer &
wait
exit 0`

/** One request: the token in a header or in the address, as Jupyter takes it. */
const ANSWER = `#!/bin/sh
read -r _ target _
token=\${target##*token=}
while read -r name word value; do
  [ "$name" = "$(printf '\\r')" ] && break
  case $name in [Aa]uthorization:) token=\${value%?} ;; esac
done
say() { printf 'HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s' "$1" "\${#2}" "$2"; }
[ "$token" = "$JUPYTER_TOKEN" ] || { say '403 Forbidden' 'who are you'; exit; }
say '200 OK' "notebooks of $target"
case $target in /api/shutdown*) kill "$PPID" ;; esac`

/** Makes an image with a stand-in for Jupyter, or undefined where this machine lacks a static busybox. */
export const makeJupyterImage = (name: string): Promise<string | undefined> =>
  makeScriptImage(name, PLACE, { 'jupyter-lab': SERVER, answer: ANSWER })
