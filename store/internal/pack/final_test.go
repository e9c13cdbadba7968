package pack_test

// What must be readable for as long as there are audits: never change these; a form that
// comes after this one has its own.
const (
	dictionarySum = "7528d74eef95792da5cf3b28d90b945e32d579601fb58994da7a010300c1bc99"
	keptEntry     = "0105a3213665aa8b31e8eaea75a8247e5dbc3da8a2bf54771c4fa3d993cc3c012ec1d4735e3a265e16eee03f59718b9b5d03019c07d8b6" +
		"c51f90da3a666eec13ab35a0b92f6b35aac5a93f184495499e92642bd9843374d0a6bdff18afcd668a5eec4e07408562bedb8b60ce05c1" +
		"decfe3ad16b72230967de01f640b7e4729b49fce6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b9d0215" +
		"000aa6fa1b1dd9623f1732d71b36f518463b367a583c2e6a183616183e412c260a1826ad174aa6171e2e313e9e171c7375626d6974227d"
)
