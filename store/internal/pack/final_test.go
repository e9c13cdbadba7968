package pack_test

// What must be readable for as long as there are audits: never change these; a form that
// comes after this one has its own.
const (
	dictionarySum = "68b086ed192033d24e9f6bd8e478428ec17c0dc979affab46369d38ded974570"
	keptEntry     = "0105a3213665aa8b31e8eaea75a8247e5dbc3da8a2bf54771c4fa3d993cc3c012ec1d4735e3a265e16eee03f59718b9b5d03019c07d8b6" +
		"c51f90da3a666eec13ab35a0b92f6b35aac5a93f184495499e92642bd9843374d0a6bdff18afcd668a5eec4e07408562bedb8b60ce05c1" +
		"decfe3ad16b72230967de01f640b7e4729b49fce6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b0480dd" +
		"db01b30215000aee001f15001b36462c26c21e56f8237e4f1d32281d22731c005f1ec01f26fd1c32e2204ec01c2672231e662b0eb91c15" +
		"00080c6974227d"
)
