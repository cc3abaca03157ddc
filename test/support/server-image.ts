import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { busyboxRoot, findHostBusybox } from '../../src/containers/host-busybox.ts'
import { type TarEntry, tar } from '../../src/containers/tar.ts'
import { docker } from './docker.ts'

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
export async function makeServerImage(name: string): Promise<string | undefined> {
  const busybox = await findHostBusybox()
  if (busybox === undefined) return undefined
  const script = (path: string, content: string): TarEntry => ({
    ...{ path, mode: 0o755, type: 'file', data: Buffer.from(content) },
  })
  const entries: TarEntry[] = [
    ...busyboxRoot(busybox),
    { path: 'opt/', mode: 0o755, type: 'directory' },
    { path: `${PLACE.slice(1)}/`, mode: 0o755, type: 'directory' },
    script(`${PLACE.slice(1)}/vllm`, SERVER),
    script(`${PLACE.slice(1)}/answer`, ANSWER),
  ]
  const [repo, tag] = name.split(':')
  const made = await docker.importImage(Readable.from([tar(entries)]), {
    ...{ repo, tag, changes: [`ENV PATH=${PLACE}:/bin`, 'CMD ["sh"]'] },
  })
  await text(made as unknown as Readable)
  return name
}
