story: The payer's rules cap what he gives in a year: a refund gives room again
given provinces care, home, east
given rule annual_cap 100.00
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 70.00
settle s2 100.00 of li at care
expect s2 paid by wang 30.00
refund r1 60.00 of s1
expect r1 done
settle s3 100.00 of li at care
expect s3 paid by wang 60.00
