package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Visible;
import java.net.InetAddress;
import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Which clients are let in of those whose certificates an authority has signed, by the names in the
 * certificates.
 *
 * <p>A rule is a distinguished name, such as {@code CN=laptop,O=Example}, whose attributes must all
 * be in the subject, or a subject alternative name: {@code DNS:}, {@code EMAIL:}, {@code URI:} or
 * {@code IP:} and what it is. One rule that fits is enough. Letters' case counts in neither.
 */
final class AllowedClients {
    /** Everybody whom the authority has signed. */
    static final AllowedClients ALL = new AllowedClients(List.of());

    private static final int IP = 7;

    /** Numbers of {@code GeneralName}, RFC 5280. */
    private static final Map<String, Integer> KINDS =
            Map.of("EMAIL", 1, "DNS", 2, "URI", 6, "IP", IP);

    private final List<Rule> rules;

    private interface Rule {
        boolean allows(X509Certificate certificate) throws CertificateParsingException;
    }

    private AllowedClients(List<Rule> rules) {
        this.rules = rules;
    }

    /**
     * {@return clients that one of these rules allows; all when there is none}
     *
     * @throws IllegalArgumentException for what is no rule
     */
    static AllowedClients of(List<String> rules) {
        return new AllowedClients(rules.stream().map(AllowedClients::rule).toList());
    }

    private static Rule rule(String text) {
        int colon = text.indexOf(':');
        Integer kind =
                colon < 0 ? null : KINDS.get(text.substring(0, colon).toUpperCase(Locale.ROOT));
        if (kind != null) {
            String name = text.substring(colon + 1).trim();
            if (name.isEmpty()) {
                throw new IllegalArgumentException("'%s' names nobody".formatted(text));
            }
            String asWritten = kind == IP ? InetAddress.ofLiteral(name).getHostAddress() : name;
            return certificate -> hasAlternative(certificate, kind, asWritten);
        }
        Set<Rdn> wanted = attributes(text);
        return certificate -> subject(certificate).containsAll(wanted);
    }

    private static Set<Rdn> attributes(String name) {
        try {
            List<Rdn> parts = new LdapName(name).getRdns();
            if (!parts.isEmpty()) {
                return Set.copyOf(parts);
            }
        } catch (InvalidNameException e) {
            throw noRule(name, e);
        }
        throw noRule(name, null);
    }

    private static IllegalArgumentException noRule(String text, @Nullable Throwable cause) {
        return new IllegalArgumentException(
                "'%s' is not a client's name; write it like CN=laptop or DNS:laptop.example.com"
                        .formatted(text),
                cause);
    }

    private static Set<Rdn> subject(X509Certificate certificate) {
        try {
            String name = certificate.getSubjectX500Principal().getName(X500Principal.RFC2253);
            return new LdapName(name).getRdns().stream().collect(Collectors.toSet());
        } catch (InvalidNameException e) {
            // A name that cannot be read is nobody's.
            return Set.of();
        }
    }

    private static boolean hasAlternative(X509Certificate certificate, int kind, String name)
            throws CertificateParsingException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        return names != null
                && names.stream()
                        .anyMatch(each ->
                                each.get(0).equals(kind)
                                        && name.equalsIgnoreCase(String.valueOf(each.get(1))));
    }

    /**
     * Insists that a client is allowed.
     *
     * @throws CertificateException when it is not, with its name
     */
    void check(X509Certificate certificate) throws CertificateException {
        for (Rule rule : rules) {
            if (rule.allows(certificate)) {
                return;
            }
        }
        if (!rules.isEmpty()) {
            throw new CertificateException(
                    "no rule allows a client with the name "
                            + Visible.of(certificate.getSubjectX500Principal().getName()));
        }
    }
}
