export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
export const secondsMs = (n: number): number => n * 1000
export const minutesMs = (n: number): number => n * 60_000
export const hoursMs = (n: number): number => n * 3_600_000
