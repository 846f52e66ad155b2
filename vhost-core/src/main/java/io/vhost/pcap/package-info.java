/**
 * Capture files: pcap and pcapng (IETF drafts draft-ietf-opsawg-pcap and -pcapng), read and written.
 *
 * <pre>{@code
 * try (PcapReader reader = Captures.open(Files.newInputStream(in));
 *         PcapWriter writer = PcapWriter.pcap(Files.newOutputStream(out), CaptureFormat.ETHERNET)) {
 *     for (CapturedPacket packet = reader.next(); packet != null; packet = reader.next()) {
 *         writer.write(packet);
 *     }
 * }
 * }</pre>
 *
 * <p>A broken file ends in a {@link io.vhost.pcap.PcapException} that names the place; memory is bounded by
 * the longest packet that a file may have. Not exported. Thread: readers and writers are one thread's each.
 */
package io.vhost.pcap;
