// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/tls_names.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/x509v3.h>

namespace tradecore::pg::engine {

namespace {

bool has_address(const X509* certificate)
{
    auto* const names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i)
        found |= sk_GENERAL_NAME_value(names, i)->type == GEN_IPADD;
    GENERAL_NAMES_free(names);
    return found;
}

} // namespace

bool is_for(X509* certificate, const std::string& host)
{
    boost::system::error_code not_one;
    (void)boost::asio::ip::make_address(host, not_one);
    if (not_one)
        return X509_check_host(certificate, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) ==
               1;
    if (X509_check_ip_asc(certificate, host.c_str(), 0) == 1)
        return true;
    constexpr unsigned int literally = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT;
    return !has_address(certificate) && X509_check_host(certificate, host.data(), host.size(), literally, nullptr) == 1;
}

} // namespace tradecore::pg::engine
