//! RSA keys of less than 2048 bits, made by OpenSSL for these tests, and tokens signed by them.

/// A public key's modulus, the key in PEM, and a token that is valid until 2100 except for its key
/// size.
pub struct Small {
    pub bits: usize,
    pub n: &'static str,
    pub pem: &'static str,
    pub token: &'static str,
}

pub const SMALL: [Small; 2] = [
    Small {
        bits: 512,
        n: "sy3p6KD4Kv_Fqkhi5LcfYiI269n5YdS-HhNlYhr92zhg5JYrqhym8iwPY-SFKzVBBO520rAfY4Pkhw6Qkj5uCQ",
        pem: "-----BEGIN PUBLIC KEY-----\n\
              MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALMt6eig+Cr/xapIYuS3H2IiNuvZ+WHU\n\
              vh4TZWIa/ds4YOSWK6ocpvIsD2PkhSs1QQTudtKwH2OD5IcOkJI+bgkCAwEAAQ==\n\
              -----END PUBLIC KEY-----",
        token: "eyJhbGciOiJSUzI1NiIsImtpZCI6InNtYWxsIiwidHlwIjoiYXQrand0In0.eyJpc3MiOiJodHRwczovL2lkLm\
                V4YW1wbGUiLCJhdWQiOiJodHRwczovL2FjY291bnRzLmV4YW1wbGUiLCJzdWIiOiJhZGEiLCJleHAiOjQxMDI0\
                NDQ4MDB9.pvRZTBD3LxuQGNNncWQGAovi12_Dvk1F1ubN88YW0svksUQ5YXRM8NonY08tcyZOpPOkkbqAvc4JJ\
                E18bgmTCA",
    },
    Small {
        bits: 1024,
        n: "vnLvAnTGBOMtRiWkl_0ZE109qTRRl2qVUl5K3GSNw2WMKxddmPuhCKZQIJ05s6LuT9WE-st25IX42YuNeUIsqu\
            hubUwXaUnPOhyvnZytpwg54GBNMyDqYOZ80BvyA-Ijo-4-PrmMSEwQXqumreHvXznbweX4_qu6r4mu_3gGNPc",
        pem: "-----BEGIN PUBLIC KEY-----\n\
              MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC+cu8CdMYE4y1GJaSX/RkTXT2p\n\
              NFGXapVSXkrcZI3DZYwrF12Y+6EIplAgnTmzou5P1YT6y3bkhfjZi415Qiyq6G5t\n\
              TBdpSc86HK+dnK2nCDngYE0zIOpg5nzQG/ID4iOj7j4+uYxITBBeq6at4e9fOdvB\n\
              5fj+q7qvia7/eAY09wIDAQAB\n\
              -----END PUBLIC KEY-----",
        token: "eyJhbGciOiJSUzI1NiIsImtpZCI6InNtYWxsIiwidHlwIjoiYXQrand0In0.eyJpc3MiOiJodHRwczovL2lkLm\
                V4YW1wbGUiLCJhdWQiOiJodHRwczovL2FjY291bnRzLmV4YW1wbGUiLCJzdWIiOiJhZGEiLCJleHAiOjQxMDI0\
                NDQ4MDB9.BRaETtCk3JvFZ_W4fJGCubpuApx99e5KfrXyES94vImR9lbR7AR6wNerLPCgGpJmZ6SBRTt-jaEGy\
                r8bs0_rFZNAu9stvD-6ETZtxwirSdeiqRYH-jHqd_fXG3v4jcmKqyJn4_w6LF5-yp8WjihvNLk_Kvnyvme6Wch\
                JtnT9o7A",
    },
];
