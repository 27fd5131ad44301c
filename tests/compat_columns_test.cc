#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: linked sources") {
  const CompatCase table[] = {
      {"in step", "parallel -k echo {1}{2} ::: r s t :::+ 7 8 9"},
      {"the shortest ends", "parallel -k echo {1}{2}{3} ::: r s t :::+ 7 8 :::+ X Y Z W"},
      {"the first is the shortest", "parallel -k echo ::: r s :::+ 7 8 9"},
      {"then the product", "parallel -k echo ::: r s :::+ 7 8 ::: X Y"},
      {"within the product", "parallel -k echo ::: X Y ::: r s :::+ 7 8 9"},
      {"two groups", "parallel -k echo ::: a b :::+ 1 2 ::: X Y :::+ 8 9"},
      {"files",
       "seq 3 >n; printf 'p\\nq\\n' >l; parallel -k echo :::: n ::::+ l; parallel -k "
       "echo ::: a b ::::+ n l"},
      {"file linked to arguments", "seq 5 7 >n; parallel -k echo {2}={1} ::: x y z ::::+ n"},
      {"arguments linked to files", "seq 2 >n; seq 8 9 >m; parallel -k echo :::: n m :::+ a b"},
      {"empty linked source",
       "parallel -k echo '[{1}{2}]' ::: a b :::+; parallel -k echo '[{}]' "
       "::: :::+ 1 2"},
      {"the first says +", "parallel -k echo :::+ 1 2 ::: a b"},
      {"--link", "parallel -k --link echo {1}:{2} ::: a b c d e ::: 1 2"},
      {"--link begins again", "parallel -k --link echo ::: a ::: 1 2 3 ::: X Y"},
      {"--xapply", "parallel -k --xapply echo ::: a b ::: 1 2 3"},
      {"--link and -a", "seq 3 >n; printf 'u\\nv\\n' >m; parallel -k --link -a n -a m echo {2}{1}"},
      {"--link and +", "parallel -k --link echo ::: a b ::: 1 2 3 :::+ r s t u"},
      {"-N", "parallel -k -N2 echo {1} {2} {3} {4} ::: a b c :::+ d e f"},
      {"-X",
       "parallel -k -j1 -X echo {1}+{2} ::: a b :::+ c d; parallel -k -j1 -X echo x{} ::: a "
       "b :::+ c d"},
      {"--arg-sep", "parallel -k --arg-sep ,, echo ,, 1 2 ,,+ 3 4"},
      {"--arg-file-sep", "seq 2 >n; seq 5 6 >m; parallel -k --arg-file-sep // echo // n //+ m"},
      {"-0", "printf '1\\0002\\0' >n; parallel -k -0 echo ::: a b ::::+ n"},
      {"-d", "parallel -k -d , echo ::: a,b c :::+ 1 2,3"},
      {"stdin twice",
       "seq 4 | parallel -k echo :::: - -; seq 4 | parallel -k --link echo :::: - -"},
      {"files linked to each other", "seq 3 >n; parallel -k echo ::::+ n n n"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: columns") {
  const CompatCase table[] = {
      {"tab", "printf 'a\\tb\\nc\\td\\n' | parallel -k --colsep '\\t' echo {2},{1}"},
      {"blanks", "parallel -k -C ' +' echo {1}+{2}+{-1} ::: 'a   b' 'c d' solo"},
      {"on every source", "parallel -k --colsep , echo {2}+{1}+{3} ::: a,b c,d e ::: 1,2 3"},
      {"empty columns", "parallel -k --colsep , echo '[{1}][{2}][{3}][{4}]' ::: a,b,, , '' ,x"},
      {"all of them", "parallel -k --colsep , echo ::: a,,b ,c"},
      {"text of several bytes", "parallel -k --colsep XX echo {2}-{1} ::: aXXbXXXc"},
      {"alternatives", "parallel -k --colsep '[,;]' echo {2}{1}{3} ::: 'a,b;c'"},
      {"escaped", "parallel -k --colsep '\\|' echo {2} ::: 'a|b'"},
      {"groups", "parallel -k --colsep '([,;])' echo ::: 'a,b;c'"},
      {"no bytes",
       "parallel -k --colsep '' echo ::: abc; parallel -k --colsep 'b*' echo ::: abc "
       "xbby"},
      {"look ahead", "parallel -k --colsep '(?=b)' echo ::: abab"},
      {"trimmed", "parallel -k --colsep , echo '[{1}][{2}]' ::: ' a , b '"},
      {"not trimmed", "parallel -k --trim n --colsep , echo '[{1}][{2}]' ::: ' a , b '"},
      {"trimmed left", "parallel -k --trim l --colsep , echo '[{1}][{2}]' ::: ' a , b '"},
      {"-n", "parallel -k -n2 --colsep , echo ::: a,b c d,e,f"},
      {"-N", "parallel -k -N2 --colsep , echo {1}-{2}-{3}-{4} ::: a,b c d,e,f"},
      {"-X", "parallel -k -j1 -X --colsep , echo x{}y {2}z ::: a,b c d,e,f"},
      {"shared out", "parallel -k -j2 -X --colsep , echo ::: a,b c d,e,f"},
      {"-m", "parallel -k -j1 -m --colsep , echo x{}y ::: a,b c d,e,f"},
      {"linked", "parallel -k --colsep , echo ::: a,b c :::+ 1 2,3"},
      {"--link", "parallel -k --link --colsep , echo ::: a,b c d,e,f ::: 1,2"},
      {"-r", "parallel -k --colsep , -r echo '{#}[{}]' ::: a ',' ' ' b ::: 1 ''"},
      {"negative positions", "parallel -k --colsep , echo {-1}/{-3} ::: 1,2,3 4,5,6 7"},
      {"parts", "parallel -k --colsep , echo {2.} {1/} {3//} ::: a/b,c.d,e/f/g"},
      {"--tag", "parallel -k --tag --colsep , echo {2} ::: a,b c,d"},
      {"-0", "printf 'a,b\\nc\\0d,e' | parallel -k -0 --colsep , echo '[{1}][{2}]'"},
      {"bad expression", "parallel --colsep '(' echo ::: a 2>/dev/null; test $? -ne 0"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: headers") {
  const CompatCase table[] = {
      {"of arguments", "parallel -k --header : echo {f} {1} ::: f a b"},
      {"of two sources", "parallel -k --header : echo {g}{f}{2}{1} ::: f a b ::: g 1 2"},
      {"of columns",
       "printf 'name,age\\nann,3\\nbob,5\\n' | parallel -k --colsep , --header : "
       "echo {name} is {age}, {1}"},
      {"of columns of two sources",
       "parallel -k --header : --colsep , echo {a}{y}{x}{b} ::: x,y "
       "1,2 3,4 ::: a,b 5,6"},
      {"cut at tabs", "printf 'x\\ty\\n 1\\t2 \\n' | parallel -k --header : echo '[{y}][{x}]'"},
      {"a number",
       "parallel -k --header 1 --colsep , echo {x} {y} ::: x,y 1,2; parallel -k "
       "--header 2 --colsep , echo {x} {y} ::: x,y u,v 1,2"},
      {"nothing else", "parallel -k --header : echo {f} ::: f; : | parallel --header : echo"},
      {"parts of names",
       "parallel -k --header : echo {f.} {f/} {f//} {f/.} ::: f dir/a.txt "
       "d/b.tar.gz"},
      {"linked", "parallel -k --header : echo {f}{g} ::: f 1 2 3 :::+ g a b c d"},
      {"--link", "parallel -k --link --header : echo {f}{g} ::: f 1 2 3 ::: g a b"},
      {"-N", "parallel -k --header : -N2 echo {f} {2} ::: f 1 2 3"},
      {"-X", "parallel -k -j1 --header : -X echo {}x ::: f 1 2 3"},
      {"unknown names", "seq 3 | parallel -k --header : --colsep , echo {1} {foo} {3}"},
      {"named by files",
       "seq 2 >n; seq 3 4 >m.x; parallel -k --header 0 echo {m.x} {n} {m.x.} :::: n m.x"},
      {"-E and -r", "parallel -k --header : -r -E c echo ::: c a '' b c d"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
