package io.vhost.state;

import java.util.List;

/**
 * How a device was when the front-end's last request had been dealt with.
 * Reading it takes no lock and disturbs nobody.
 *
 * @param offered feature bits on offer
 * @param features feature bits that were negotiated
 * @param protocolFeatures vhost-user protocol features that were negotiated
 * @param status device status that was set last (virtio 1.2, 2.1)
 * @param announced whether the application was told that the device runs
 * @param regions the memory table; empty before there is one
 * @param backings the files of these regions, in the same order
 * @param logBytes size of the bitmap for dirty pages; 0 when there is none
 */
public record DeviceSnapshot(
        long offered,
        long features,
        long protocolFeatures,
        int status,
        boolean announced,
        List<MemoryRegion> regions,
        List<MemoryBacking> backings,
        long logBytes) {
    /** Of a device that nobody has asked anything. */
    static final DeviceSnapshot NONE = new DeviceSnapshot(0, 0, 0, 0, false, List.of(), List.of(), 0);
}
