/** Variables that drivers, loaders and the C library read; exact names. */
const NAMES = new Set([
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SYSTEMROOT',
  'PROGRAMDATA',
  'LOCALAPPDATA',
])

/** And by what they start with: CUDA, NVIDIA's container runtime, Vulkan's loader, Mesa's and AMD's drivers. */
const PREFIXES = /^(CUDA|NVIDIA|VK|XDG|LC|MESA|GALLIUM|LP|RADV|ROCR|HIP|HSA)_/

/** What of an environment a driver's process is given: never a token, a key or an option of this program. */
export const driverEnv = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => NAMES.has(name.toUpperCase()) || PREFIXES.test(name)),
  )
