package io.vhost.app;

import io.vhost.device.Feature;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Understands a feature's name of the specification, in any case, with or without its {@code VIRTIO_…F_}. */
final class FeatureName implements ITypeConverter<Feature> {
    FeatureName() {}

    @Override
    public Feature convert(String text) {
        String name = text.toUpperCase(Locale.ROOT);
        for (Feature feature : Feature.values()) {
            if (feature.name().equals(name) || feature.name().endsWith("_F_" + name)) {
                return feature;
            }
        }
        throw new TypeConversionException("\"" + text + "\" is not a virtio feature, such as mrg_rxbuf or in_order");
    }
}
