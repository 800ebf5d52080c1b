/** Loaded before a server, it moves the server's clock by `CLOCK_SHIFT` seconds. */
import process from 'node:process'

const shift = Number(process.env['CLOCK_SHIFT'] ?? 0) * 1000
const { now } = Date
Date.now = () => now() + shift
