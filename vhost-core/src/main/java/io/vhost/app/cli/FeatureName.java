package io.vhost.app.cli;

import io.vhost.device.Feature;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A feature's name of the specification, in any case, with or without what it begins with, up to
 * {@code _F_}.
 */
public final class FeatureName implements ITypeConverter<Feature> {
    FeatureName() {}

    /** The short form, as in {@code mrg_rxbuf}. */
    public static String shortName(Feature feature) {
        String name = feature.name();
        return name.substring(name.indexOf("_F_") + 3).toLowerCase(Locale.ROOT);
    }

    @Override
    public Feature convert(String text) {
        String name = text.toUpperCase(Locale.ROOT);
        for (Feature feature : Feature.values()) {
            if (feature.name().equals(name) || shortName(feature).equalsIgnoreCase(name)) {
                return feature;
            }
        }
        throw new TypeConversionException(
                "\"" + text + "\" is not a virtio feature, such as mrg_rxbuf or in_order");
    }
}
