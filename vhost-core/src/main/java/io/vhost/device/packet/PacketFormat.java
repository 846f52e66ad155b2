package io.vhost.device.packet;

/**
 * What the negotiated features mean for the packets of one queue.
 *
 * @param headerLength bytes of the virtio-net header before each packet
 * @param mergeable a packet may be spread over several chains
 * @param checksums the receiver of this queue's packets takes partial checksums
 * @param segmentations what the receiver takes uncut
 */
public record PacketFormat(
        int headerLength, boolean mergeable, boolean checksums, Segmentations segmentations) {}
