/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/aead.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemons/tunneld/aead_impl.h"
#include "tests/unit/dice.h"
#include "tests/unit/kit.h"

#define TEXT_MAX 160
#define LONG_MAX_LEN 2000

#define GCM_KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define CHACHA_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define ZERO_KEY "0000000000000000000000000000000000000000000000000000000000000000"

/* Published vectors, in hex. The nonce is salt, then IV. */
static const struct vector {
	enum aead_alg alg;
	const char *key, *salt, *iv, *aad, *plain, *cipher, *tag;
} vectors[] = {
	/* McGrew and Viega, The Galois/Counter Mode of Operation, test cases 13 to 16. */
	{ AEAD_AES_256_GCM, ZERO_KEY, "00000000", "0000000000000000", "", "", "",
	    "530f8afbc74536b9a963b4f1c4cb738b" },
	{ AEAD_AES_256_GCM, ZERO_KEY, "00000000", "0000000000000000", "",
	    "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
	    "d0d1c8a799996bf0265b98b5d48ab919" },
	{ AEAD_AES_256_GCM, GCM_KEY, "cafebabe", "facedbaddecaf888", "",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
	    "b094dac5d93471bdec1a502270e3cc6c" },
	{ AEAD_AES_256_GCM, GCM_KEY, "cafebabe", "facedbaddecaf888",
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
	/* RFC 8439, 2.8.2. */
	{ AEAD_CHACHA20_POLY1305, CHACHA_KEY, "07000000", "4041424344454647",
	    "50515253c0c1c2c3c4c5c6c7",
	    "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
	    "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
	    "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	    "637265656e20776f756c642062652069742e",
	    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	    "3ff4def08e4b7a9de576d26586cec64b6116",
	    "1ae10b594f09e26a7e902ecbd0600691" },
	/* RFC 7634, appendix A: an ESP packet. */
	{ AEAD_CHACHA20_POLY1305, CHACHA_KEY, "a0a1a2a3", "1011121314151617", "0102030400000005",
	    "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
	    "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
	    "2425262728292a2b2c2d2e2f303132333435363701020204",
	    "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
	    "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
	    "cbec163fac469b502773f6fb94e664da9165b82829f641e0",
	    "76aaa8266b7fb0f7b11b369907e1ad43" },
};

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	ck_assert_uint_le(n, TEXT_MAX);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
	return n;
}

static void
fill(struct dice *d, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t) dice_roll(d);
}

#define VECTORS ((int) (sizeof(vectors) / sizeof(vectors[0])))

/* Each vector for each library: the tests' index is vector + VECTORS * library. */
static int
cases(void)
{
	int n = 0;

	while (aead_impls[n] != NULL)
		n++;
	return n * VECTORS;
}

static struct aead *
make(int i, bool seal, const uint8_t *key, const uint8_t *salt)
{
	const struct aead_impl *impl = aead_impls[i / VECTORS];

	if (!impl->usable())
		impl = &aead_evp;
	return impl->make(vectors[i % VECTORS].alg, seal, key, salt);
}

/* A vector as bytes. */
struct bytes {
	uint8_t key[TEXT_MAX], salt[TEXT_MAX], iv[TEXT_MAX], aad[TEXT_MAX], plain[TEXT_MAX];
	uint8_t cipher[TEXT_MAX], tag[TEXT_MAX];
	size_t aad_len, len;
};

static void
load(const struct vector *v, struct bytes *b)
{
	ck_assert_uint_eq(unhex(v->key, b->key), AEAD_KEY_LEN);
	ck_assert_uint_eq(unhex(v->salt, b->salt), AEAD_SALT_LEN);
	ck_assert_uint_eq(unhex(v->iv, b->iv), AEAD_IV_LEN);
	ck_assert_uint_eq(unhex(v->tag, b->tag), AEAD_TAG_LEN);
	b->aad_len = unhex(v->aad, b->aad);
	b->len = unhex(v->plain, b->plain);
	ck_assert_uint_eq(unhex(v->cipher, b->cipher), b->len);
}

static void
check_opens(struct aead *a, const struct bytes *b)
{
	uint8_t buf[TEXT_MAX];

	memcpy(buf, b->cipher, sizeof(buf));
	ck_assert_int_eq(aead_open(a, b->iv, b->aad, b->aad_len, buf, b->len, b->tag), 0);
	ck_assert_mem_eq(buf, b->plain, b->len);
}

static void
check_refused(struct aead *a, const struct bytes *b)
{
	uint8_t buf[TEXT_MAX];

	memcpy(buf, b->cipher, sizeof(buf));
	ck_assert_int_eq(aead_open(a, b->iv, b->aad, b->aad_len, buf, b->len, b->tag), -EBADMSG);
}

START_TEST(vectors_seal)
{
	struct bytes b;
	uint8_t tag[AEAD_TAG_LEN];
	struct aead *a;

	load(&vectors[_i % VECTORS], &b);
	a = make(_i, true, b.key, b.salt);
	/* Twice: the second packet has the key of the first one, and nothing else of it. */
	for (int round = 0; round < 2; round++) {
		uint8_t buf[TEXT_MAX];

		memcpy(buf, b.plain, sizeof(buf));
		ck_assert_int_eq(aead_seal(a, b.iv, b.aad, b.aad_len, buf, b.len, buf, tag), 0);
		ck_assert_mem_eq(buf, b.cipher, b.len);
		ck_assert_mem_eq(tag, b.tag, sizeof(tag));
	}
	aead_free(a);
}
END_TEST

START_TEST(vectors_open)
{
	struct bytes b;
	struct aead *a;

	load(&vectors[_i % VECTORS], &b);
	a = make(_i, false, b.key, b.salt);
	check_opens(a, &b);
	check_opens(a, &b);
	aead_free(a);
}
END_TEST

static void
flip_each_bit(struct aead *a, struct bytes *b, uint8_t *field, size_t len)
{
	for (size_t bit = 0; bit < len * 8; bit++) {
		field[bit / 8] ^= (uint8_t) (1 << bit % 8);
		check_refused(a, b);
		field[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	check_opens(a, b);	/* a refusal leaves nothing behind */
}

START_TEST(each_wrong_bit_is_refused)
{
	struct bytes b;
	struct aead *a;

	load(&vectors[_i % VECTORS], &b);
	a = make(_i, false, b.key, b.salt);
	flip_each_bit(a, &b, b.tag, AEAD_TAG_LEN);
	flip_each_bit(a, &b, b.iv, AEAD_IV_LEN);
	flip_each_bit(a, &b, b.aad, b.aad_len);
	flip_each_bit(a, &b, b.cipher, b.len);
	aead_free(a);
}
END_TEST

START_TEST(another_key_or_salt_is_refused)
{
	struct bytes b;
	struct aead *a;

	load(&vectors[_i % VECTORS], &b);
	b.key[AEAD_KEY_LEN - 1] ^= 1;
	a = make(_i, false, b.key, b.salt);
	check_refused(a, &b);
	aead_free(a);
	b.key[AEAD_KEY_LEN - 1] ^= 1;
	b.salt[0] ^= 1;
	a = make(_i, false, b.key, b.salt);
	check_refused(a, &b);
	aead_free(a);
}
END_TEST

/* Any length, any text: whatever one library seals, each one opens, and all seal it alike. */
START_TEST(libraries_agree)
{
	static uint8_t plain[LONG_MAX_LEN], first[LONG_MAX_LEN + AEAD_TAG_LEN], other[sizeof(first)];
	const enum aead_alg alg = _i == 0 ? AEAD_AES_256_GCM : AEAD_CHACHA20_POLY1305;
	uint8_t key[AEAD_KEY_LEN], salt[AEAD_SALT_LEN], iv[AEAD_IV_LEN], aad[12];
	struct dice d = dice_new(7 + (uint64_t) _i);

	for (int round = 0; round < 500; round++) {
		size_t len = dice_below(&d, LONG_MAX_LEN) % LONG_MAX_LEN;

		fill(&d, key, sizeof(key));
		fill(&d, salt, sizeof(salt));
		fill(&d, iv, sizeof(iv));
		fill(&d, aad, sizeof(aad));
		fill(&d, plain, len);
		for (int i = 0; aead_impls[i] != NULL; i++) {
			const struct aead_impl *impl = aead_impls[i]->usable() ? aead_impls[i] : &aead_evp;
			struct aead *seal = impl->make(alg, true, key, salt);
			struct aead *open = impl->make(alg, false, key, salt);
			uint8_t *out = i == 0 ? first : other;

			ck_assert_int_eq(aead_seal(seal, iv, aad, sizeof(aad), plain, len, out,
			    out + len), 0);
			ck_assert_mem_eq(out, first, len + AEAD_TAG_LEN);
			memcpy(other, first, len + AEAD_TAG_LEN);
			ck_assert_int_eq(aead_open(open, iv, aad, sizeof(aad), other, len,
			    other + len), 0);
			ck_assert_mem_eq(other, plain, len);
			aead_free(seal);
			aead_free(open);
		}
	}
}
END_TEST

START_TEST(only_two_ciphers_exist)
{
	uint8_t key[AEAD_KEY_LEN] = { 0 }, salt[AEAD_SALT_LEN] = { 0 };

	ck_assert_str_eq(aead_name(AEAD_AES_256_GCM), "aes-256-gcm");
	ck_assert_str_eq(aead_name(AEAD_CHACHA20_POLY1305), "chacha20-poly1305");
	ck_assert_ptr_nonnull(aead_name(aead_preferred()));
	for (int alg = -1; alg < 10; alg++) {
		if (alg == AEAD_AES_256_GCM || alg == AEAD_CHACHA20_POLY1305)
			continue;
		ck_assert_ptr_null(aead_name((enum aead_alg) alg));
		ck_assert_ptr_null(aead_new((enum aead_alg) alg, true, key, salt));
	}
	ck_assert_ptr_nonnull(strstr("openssl ipsec-mb", aead_library()));
	aead_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("aead");

	tcase_add_loop_test(tc, vectors_seal, 0, cases());
	tcase_add_loop_test(tc, vectors_open, 0, cases());
	tcase_add_loop_test(tc, each_wrong_bit_is_refused, 0, cases());
	tcase_add_loop_test(tc, another_key_or_salt_is_refused, 0, cases());
	tcase_add_loop_test(tc, libraries_agree, 0, 2);
	tcase_add_test(tc, only_two_ciphers_exist);
	return kit_run("tunneld/aead", tc);
}
