story: Two hospitals draw at once on what a payer may still give this year: together not more
given provinces care, home, east
given rule annual_cap 100.00
given li of home with 0.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

settle s1 80.00 of li at care agreeing to 0.00 cash
settle s2 80.00 of chen at home agreeing to 0.00 cash
expect one of s1, s2 done
expect everything decided
expect wang has 420.00
