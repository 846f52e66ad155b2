package io.vhost.app.cli;

import io.vhost.device.Feature;
import java.util.List;
import picocli.CommandLine.Option;

/** Which virtio features are left out: an option of several commands. */
public final class FeatureOptions {
    @Option(
            names = "--without",
            paramLabel = "FEATURE[,FEATURE...]",
            hideParamSyntax = true,
            split = ",",
            converter = FeatureName.class,
            description = "Do without these virtio features, such as mrg_rxbuf, in_order, event_idx,"
                    + " indirect_desc, version_1 or host_tso4.")
    private List<Feature> without = List.of();

    /** The features to leave out; none by default. */
    public Feature[] without() {
        return without.toArray(Feature[]::new);
    }

    /** Whether this feature is left out. */
    public boolean isWithout(Feature feature) {
        return without.contains(feature);
    }
}
