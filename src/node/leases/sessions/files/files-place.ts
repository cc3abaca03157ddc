import type { Container, SpawnOptions } from '../../../../containers/engine.ts'
import { createShells, type Shells } from './shells.ts'

/** How the files of a container are reached. */
export interface FilesPlace {
  readonly container: Container
  /** As whom, and where relative paths begin. */
  readonly options: SpawnOptions
  /** Of its toolbox: as whom the renter asked to be, and where its relative paths begin. */
  readonly shells: Shells
  /** Shell that ends a script whose first argument leads out of what the lease may touch; empty in a real container. */
  readonly guard: string
}

/**
 * Isolated containers have their own files; what an engine without isolation runs keeps to its own folder: `$1`, or of
 * what does not exist yet the folder it would lie in, must be there.
 */
const KEEP_TO_HOME = `
p=$1
while [ ! -e "$p" ]; do
  case $p in */*) p=\${p%/*}; [ "$p" ] || p=/ ;; *) p=. ;; esac
done
case "$1" in ..|../*|*/..|*/../*) echo "$1: leads out of the lease's own folder" >&2; exit 1 ;; esac
real=$($b readlink -f -- "$p") home=$($b readlink -f -- "$HOME")
case "$real/" in "$home"/*) ;; *) echo "$1: only the lease's own folder, $HOME, can be reached" >&2; exit 1 ;; esac`

/**
 * Until `signal` aborts; whatever still runs then is hung up on.
 * @throws ENGINE_UNSUPPORTED when nothing on the miner can look at its files
 */
export async function filesPlace(
  container: Container,
  options: SpawnOptions,
  signal: AbortSignal,
): Promise<FilesPlace> {
  const { busybox, isIsolated } = await container.fileTools()
  const shells = createShells({ container, busybox, options, signal })
  return { container, options, shells, guard: isIsolated ? '' : KEEP_TO_HOME }
}
