import type Docker from 'dockerode'
import { findHostBusybox } from './host-busybox.ts'
import { hasImage, importBusybox } from './images.ts'

/** The image of this program's own helper containers, made from the host's busybox. */
const HOLDER_IMAGE = 'cn-holder:1'

/** Makes sure of that image and tells its name; undefined without a static busybox on the host. Calls share one making. */
export function createHolderImage(docker: Docker): () => Promise<string | undefined> {
  let made: Promise<string | undefined> | undefined
  const make = async (): Promise<string | undefined> => {
    if (await hasImage(docker, HOLDER_IMAGE)) return HOLDER_IMAGE
    const busybox = await findHostBusybox()
    if (busybox === undefined) return undefined
    await importBusybox(docker, HOLDER_IMAGE, busybox)
    return HOLDER_IMAGE
  }
  return async () => {
    made ??= make()
    try {
      return await made
    } catch (error) {
      made = undefined // the next call tries again
      throw error
    }
  }
}
