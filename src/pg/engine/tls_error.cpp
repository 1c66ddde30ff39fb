// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/tls_error.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/ip/address.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace tradecore::pg::engine {

namespace {

constexpr std::size_t most_names = 20;

struct free_bio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using bio_ptr = std::unique_ptr<BIO, free_bio>;

std::string text_in(const bio_ptr& bio)
{
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// A certificate is the server's to write: nothing of it may break a line of a log.
std::string printable(std::string_view text)
{
    std::string out(text);
    std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

std::string_view bytes_of(const ASN1_STRING* text)
{
    const auto size = static_cast<std::size_t>(std::max(ASN1_STRING_length(text), 0));
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), size}; // NOLINT: OpenSSL has unsigned
}

std::string address_text(std::string_view bytes)
{
    using namespace boost::asio::ip;
    address_v4::bytes_type four{};
    address_v6::bytes_type sixteen{};
    if (bytes.size() == four.size()) {
        std::ranges::copy(bytes, four.begin());
        return address_v4(four).to_string();
    }
    if (bytes.size() == sixteen.size()) {
        std::ranges::copy(bytes, sixteen.begin());
        return address_v6(sixteen).to_string();
    }
    return {};
}

void add_name(std::string& list, std::size_t& count, std::string_view name)
{
    if (name.empty() || ++count > most_names + 1)
        return;
    list += list.empty() ? "" : ", ";
    list += count > most_names ? "…" : printable(name);
}

} // namespace

void throw_tls_error(const std::string& what)
{
    throw connection_error(client_errc::tls_failed, what);
}

std::string take_openssl_reason()
{
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0)
        return "unknown reason";
    if (ERR_SYSTEM_ERROR(code))
        return std::generic_category().message(ERR_GET_REASON(code));
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

std::string names_of(const X509* certificate)
{
    std::string list;
    std::size_t count = 0;
    auto* const names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        int type = 0;
        const void* const value = GENERAL_NAME_get0_value(name, &type);
        if (type == GEN_DNS)
            add_name(list, count, bytes_of(static_cast<const ASN1_STRING*>(value)));
        else if (type == GEN_IPADD)
            add_name(list, count, address_text(bytes_of(static_cast<const ASN1_STRING*>(value))));
    }
    GENERAL_NAMES_free(names);
    if (!list.empty())
        return list;
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
        add_name(list, count, bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
    return list.empty() ? "no name" : list;
}

std::string subject_of(const X509* certificate)
{
    const bio_ptr text(BIO_new(BIO_s_mem()));
    if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
        return "unknown subject";
    return printable(text_in(text));
}

std::string text_of(const ASN1_TIME* when)
{
    const bio_ptr text(BIO_new(BIO_s_mem()));
    if (!text || ASN1_TIME_print_ex(text.get(), when, ASN1_DTFLGS_ISO8601) != 1)
        return "an unknown time";
    return text_in(text);
}

} // namespace tradecore::pg::engine
