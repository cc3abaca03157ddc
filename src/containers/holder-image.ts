import type Docker from 'dockerode'
import { findHostBusybox } from './host-busybox.ts'
import { hasImage, importBusybox } from './images.ts'
import { sharedWork } from './shared-work.ts'

/** The image of this program's own helper containers, made from the host's busybox. */
const HOLDER_IMAGE = 'cn-holder:1'

/**
 * Makes sure of that image and tells its name; undefined without a static busybox on the host. Looked at each time: an
 * owner who clears up his engine removes it.
 */
export function createHolderImage(docker: Docker): () => Promise<string | undefined> {
  return sharedWork(async () => {
    if (await hasImage(docker, HOLDER_IMAGE)) return HOLDER_IMAGE
    const busybox = await findHostBusybox()
    if (busybox === undefined) return undefined
    await importBusybox(docker, HOLDER_IMAGE, busybox)
    return HOLDER_IMAGE
  })
}
