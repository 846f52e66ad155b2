package io.vhost.bpf.helper;

import io.vhost.bpf.run.Helper;
import java.util.Map;
import java.util.TreeMap;

/** The helpers that a program may call. Thread: immutable; any thread. */
public final class HelperSet {
    private final Map<Integer, HelperPrototype> byId;

    private HelperSet(Map<Integer, HelperPrototype> byId) {
        this.byId = byId;
    }

    /** Those that all programs have. */
    public static HelperSet base() {
        return new HelperSet(Map.of()).with(MapHelpers.all()).with(TimeHelpers.all())
                .with(RingHelpers.all()).with(ControlHelpers.all()).with(ChecksumHelper.prototype());
    }

    /** Those of XDP programs. */
    public static HelperSet xdp() {
        return base().with(XdpHelpers.all()).with(RedirectHelpers.all());
    }

    /** Those of tc classifiers, as far as a packet without a socket goes. */
    public static HelperSet classifier() {
        return base().with(SkbHelpers.all()).with(SkbChecksums.all());
    }

    /** These and others; one with a number that is there already replaces it. */
    public HelperSet with(HelperPrototype... added) {
        Map<Integer, HelperPrototype> all = new TreeMap<>(byId);
        for (HelperPrototype prototype : added) {
            all.put(prototype.id(), prototype);
        }
        return new HelperSet(all);
    }

    /** A helper's prototype, or null. */
    public HelperPrototype prototype(int id) {
        return byId.get(id);
    }

    /** A helper, or null. */
    public Helper helper(int id) {
        HelperPrototype prototype = byId.get(id);
        return prototype == null ? null : prototype.helper();
    }
}
