package io.vhost.app.cli;

import io.vhost.device.VhostConfig;
import picocli.CommandLine.Option;

/** Which memory front-ends may share: options of several commands. */
public final class MemoryOptions {
    @Option(names = "--require-sealed",
            description = "Refuse memory that its front-end could truncate: it has to be a memfd that is or"
                    + " can be sealed, as that of QEMU's memory-backend-memfd is.")
    private boolean requireSealed;

    @Option(names = "--allow-any-file",
            description = "Accept memory in files of FUSE, networks and unknown file systems, whose pages"
                    + " may never come.")
    private boolean allowAnyFile;

    /** Tells the configuration. */
    public VhostConfig.Builder apply(VhostConfig.Builder offer) {
        return offer.requireSealedMemory(requireSealed).allowAnyFile(allowAnyFile);
    }
}
