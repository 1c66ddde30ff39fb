// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/tls_key.hpp"

#include "pg/auth/secret.hpp"
#include "pg/engine/tls_error.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace tradecore::pg::engine {

namespace {

constexpr std::size_t largest_key = std::size_t{1} << 20U;

struct free_bio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

class open_file {
public:
    explicit open_file(const std::string& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    open_file(open_file&&) = delete;
    open_file& operator=(open_file&&) = delete;
    ~open_file()
    {
        if (number_ >= 0)
            ::close(number_);
    }

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

// Looks at the open file, so that nobody can put another one in its place between the look and the reading.
auth::secret read_key_file(const std::string& path)
{
    const open_file file(path);
    struct stat info{};
    if (file.number() < 0 || ::fstat(file.number(), &info) != 0)
        throw_tls_error("cannot read the key " + path + ": " + std::generic_category().message(errno));
    if (!S_ISREG(info.st_mode))
        throw_tls_error("the key " + path + " is not a regular file");
    const mode_t forbidden = info.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
    if ((info.st_mode & forbidden) != 0)
        throw_tls_error(
            "others have access to the key " + path +
            "; its permissions must be 0600 or less, or 0640 or less when it belongs to root");
    if (static_cast<std::size_t>(info.st_size) > largest_key)
        throw_tls_error("the key " + path + " is too large for a key");
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto count = ::read(file.number(), text.data() + filled, text.size() - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return auth::secret(std::move(text));
}

struct passphrase {
    const std::string& text;
    bool asked = false;
};

int give_passphrase(char* into, int size, int /*writing*/, void* from)
{
    auto& password = *static_cast<passphrase*>(from);
    password.asked = true;
    if (password.text.empty() || password.text.size() > static_cast<std::size_t>(size))
        return -1;
    std::ranges::copy(password.text, into);
    return static_cast<int>(password.text.size());
}

} // namespace

void free_key::operator()(EVP_PKEY* key) const noexcept
{
    EVP_PKEY_free(key);
}

private_key read_private_key(const std::string& path, const std::string& password)
{
    const auto bytes = read_key_file(path);
    const auto size = static_cast<int>(bytes.text().size());
    const std::unique_ptr<BIO, free_bio> pem(BIO_new_mem_buf(bytes.text().data(), size));
    passphrase asked{password};
    ERR_clear_error();
    private_key key(PEM_read_bio_PrivateKey(pem.get(), nullptr, &give_passphrase, &asked));
    if (key)
        return key;
    if (asked.asked) {
        ERR_clear_error();
        throw_tls_error(
            "cannot open the key " + path +
            (password.empty() ? ": it is encrypted, and there is no sslpassword" : ": sslpassword does not fit"));
    }
    auto reason = take_openssl_reason();
    const std::unique_ptr<BIO, free_bio> der(BIO_new_mem_buf(bytes.text().data(), size));
    key.reset(d2i_PrivateKey_bio(der.get(), nullptr));
    ERR_clear_error();
    if (!key)
        throw_tls_error("cannot read the key " + path + ": " + reason);
    return key;
}

} // namespace tradecore::pg::engine
