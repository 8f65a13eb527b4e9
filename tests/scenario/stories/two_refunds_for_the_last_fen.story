story: Two refunds of one settlement race for the last fen: together they return no more than was paid
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
refund r1 60.00 of s1
refund r2 60.00 of s1
expect one of r1, r2 done
expect everything decided
expect wang has 490.00
